//! Domains in the form of XMPP: in U-labels (RFC 7622 §3.2), where DNS and TLS have A-labels.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use idna::punycode;

/// Decodes the A-labels of a domain; a label that is none stays as it is.
pub(super) fn to_unicode(domain: &str) -> String {
    let labels = domain.split('.').map(|label| {
        let encoded = label.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("xn--")).and_then(|_| label.get(4..));
        encoded.and_then(decode).unwrap_or_else(|| label.to_owned())
    });
    labels.collect::<Vec<_>>().join(".")
}

/// Decodes Punycode (RFC 3492 §6.2); nothing if no letter beyond ASCII is in it.
fn decode(text: &str) -> Option<String> {
    let extended = !text.is_empty() && !text.ends_with('-');
    (extended && text.is_ascii() && text.len() <= LABEL_MAX).then(|| punycode::decode_to_string(text)).flatten()
}

/// The longest label, in octets (RFC 1035 §2.3.4); what is longer is none.
const LABEL_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_samples_of_rfc_3492_are_decoded() {
        // RFC 3492 §7.1 A, B, I, L, R, and two of everyday.
        for (encoded, decoded) in [
            ("egbpdaj6bu4bxfgehfvwxn", "ليهمابتكلموشعربي؟"),
            ("ihqwcrb4cv8a8dqg056pqjye", "他们为什么不说中文"),
            ("b1abfaaepdrnnbgefbaDotcwatmq2g4l", "почемужеонинеговорятпорусски"),
            ("3B-ww4c5e180e575a65lsy2b", "3年B組金八先生"),
            ("d9juau41awczczp", "そのスピードで"),
            ("mnchen-3ya", "münchen"),
            ("bcher-kva", "bücher"),
        ] {
            assert_eq!(decode(encoded).as_deref(), Some(decoded), "{encoded}");
        }
    }

    #[test]
    fn only_a_labels_are_decoded() {
        for (domain, unicode) in [
            ("Example.com", "Example.com"),
            ("chat.XN--mnchen-3ya.example", "chat.münchen.example"),
            ("xn--", "xn--"),
            ("xn--99999999.example", "xn--99999999.example"),
            ("xn--é.example", "xn--é.example"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(to_unicode(domain), unicode);
        }
    }

    proptest! {
        #[test]
        fn what_is_decoded_is_not_ascii_and_all_else_stays(label in "\\PC{0,70}", ascii in "[a-zA-Z0-9-]{0,70}") {
            for domain in [format!("xn--{label}"), format!("xn--{ascii}")] {
                let unicode = to_unicode(&domain);
                prop_assert!(unicode == domain || !unicode.is_ascii(), "{} {}", domain, unicode);
            }
        }
    }
}

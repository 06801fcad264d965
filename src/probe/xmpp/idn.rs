//! Domains as XMPP writes them: in U-labels (RFC 7622 §3.2), where DNS and TLS have A-labels.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// Decodes the A-labels of a domain; a label that is none stays as it is.
pub(super) fn to_unicode(domain: &str) -> String {
    let labels = domain.split('.').map(|label| {
        let encoded = label.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("xn--")).and_then(|_| label.get(4..));
        encoded.and_then(decode).unwrap_or_else(|| label.to_owned())
    });
    labels.collect::<Vec<_>>().join(".")
}

/// Decodes Punycode (RFC 3492 §6.2).
fn decode(text: &str) -> Option<String> {
    let (basic, extended) = text.rsplit_once('-').unwrap_or(("", text));
    let mut letters: Vec<char> = basic.chars().collect();
    if extended.is_empty() || !text.is_ascii() || text.len() > LABEL_MAX {
        return None;
    }
    let (mut code, mut index, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = extended.bytes();
    while digits.len() > 0 {
        let (before, mut weight) = (index, 1_u32);
        for position in (BASE..).step_by(36) {
            let digit = digit(digits.next()?)?;
            index = index.checked_add(digit.checked_mul(weight)?)?;
            let threshold = position.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(BASE.checked_sub(threshold)?)?;
        }
        let count = u32::try_from(letters.len()).ok()?.checked_add(1)?;
        bias = adapt(index.checked_sub(before)?, count, before == 0);
        code = code.checked_add(index.checked_div(count)?)?;
        index = index.checked_rem(count)?;
        letters.insert(usize::try_from(index).ok()?, char::from_u32(code)?);
        index = index.checked_add(1)?;
    }
    Some(letters.into_iter().collect())
}

fn digit(octet: u8) -> Option<u32> {
    match octet {
        b'a'..=b'z' => Some(u32::from(octet.saturating_sub(b'a'))),
        b'A'..=b'Z' => Some(u32::from(octet.saturating_sub(b'A'))),
        b'0'..=b'9' => Some(u32::from(octet.saturating_sub(b'0')).saturating_add(26)),
        _ => None,
    }
}

/// Returns the next bias (RFC 3492 §6.1).
fn adapt(delta: u32, count: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta = delta.saturating_add(delta.checked_div(count).unwrap_or(0));
    let mut steps = 0_u32;
    while delta > 455 {
        delta /= 35;
        steps = steps.saturating_add(BASE);
    }
    let rest = delta.saturating_mul(36).checked_div(delta.saturating_add(38)).unwrap_or(0);
    steps.saturating_add(rest)
}

const BASE: u32 = 36;
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
        fn no_label_panics(label in "\\PC{0,70}", ascii in "[a-zA-Z0-9-]{0,70}") {
            drop((to_unicode(&format!("xn--{label}")), to_unicode(&format!("xn--{ascii}"))));
        }
    }
}

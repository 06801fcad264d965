//! What a server offers on a stream (RFC 6120 §4.3).

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::element::Element;
use crate::base::terminal::escape;

/// What is looked for among the features.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// STARTTLS.
    pub(super) starttls: bool,
    /// Whether nothing goes on without it.
    pub(super) starttls_required: bool,
    /// The mechanisms by which one can log in, SASL and SASL2 together.
    pub(super) mechanisms: Vec<String>,
    /// Server dialback (XEP-0220).
    pub(super) dialback: bool,
}

impl Features {
    /// Reads them.
    pub(super) fn read(element: &Element) -> Self {
        let starttls = element.child(super::TLS, "starttls");
        // RFC 6120 §6.3.3, and XEP-0388 §2.2.
        let lists = [(SASL, "mechanisms"), (SASL2, "authentication")];
        let mut mechanisms: Vec<String> = Vec::new();
        for (namespace, name) in lists {
            let list = element.child(namespace, name).into_iter().flat_map(|list| &list.children);
            for mechanism in list.filter(|child| child.is(namespace, "mechanism")) {
                let mechanism = mechanism.text.trim();
                if !mechanism.is_empty() && !mechanisms.iter().any(|known| known == mechanism) {
                    mechanisms.push(mechanism.to_owned());
                }
            }
        }
        Self {
            starttls: starttls.is_some(),
            starttls_required: starttls.is_some_and(|starttls| starttls.child(super::TLS, "required").is_some()),
            mechanisms,
            dialback: element.child(DIALBACK, "dialback").is_some(),
        }
    }

    /// Says what is offered.
    pub(super) fn words(&self) -> String {
        let mut words = Vec::new();
        if self.starttls_required {
            words.push("STARTTLS (required)".to_owned());
        } else if self.starttls {
            words.push("STARTTLS".to_owned());
        }
        let few = self.mechanisms.iter().take(MECHANISMS_SHOWN);
        words.extend(few.map(|mechanism| escape(mechanism, MECHANISM_MAX)));
        let more = self.mechanisms.len().saturating_sub(MECHANISMS_SHOWN);
        if more > 0 {
            words.push(format!("{more} more"));
        }
        if self.dialback {
            words.push("dialback".to_owned());
        }
        if words.is_empty() { "offers nothing".to_owned() } else { format!("offers {}", words.join(", ")) }
    }
}

/// The most mechanisms that are told by name.
const MECHANISMS_SHOWN: usize = 8;
/// The longest name of a mechanism (RFC 4422 §3.1).
const MECHANISM_MAX: usize = 20;
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const SASL2: &str = "urn:xmpp:sasl:2";
const DIALBACK: &str = "urn:xmpp:features:dialback";

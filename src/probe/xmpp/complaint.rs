//! The outcome of a stream error (RFC 6120 §4.9.3).
//!
//! | condition | outcome |
//! |---|---|
//! | `system-shutdown` | drain |
//! | `resource-constraint` | degraded |
//! | `see-other-host`, and all that dislikes the probe itself: `bad-format`, `invalid-*`, `unsupported-*`, … | pass, with a warning |
//! | `policy-violation`, `reset` | unknown: we may have asked too often |
//! | `host-unknown`, `host-gone`, `internal-server-error`, and any other | fail, conclusive |

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::element::Element;
use crate::base::terminal::escape;
use crate::health::Outcome;
use crate::probe::attempt::{conclusive, unknown};

/// A stream error as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    condition: String,
    text: Option<String>,
}

impl Complaint {
    /// Reads `<stream:error>`.
    pub(super) fn read(element: &Element) -> Self {
        let ours = |child: &&Element| &*child.namespace == ERRORS;
        let condition = element.children.iter().filter(ours).find(|child| child.name != "text");
        let text = element.child(ERRORS, "text").map(|text| text.text.trim()).filter(|text| !text.is_empty());
        Self {
            condition: condition.map_or_else(|| "no condition".to_owned(), |child| escape(&child.name, NAME_MAX)),
            text: text.map(|text| escape(text, TEXT_MAX)),
        }
    }

    /// Judges it: passes with a warning, or ends the probe.
    pub(super) fn judge(self) -> Result<String, Outcome> {
        let told = match &self.text {
            Some(text) => format!("stream error {}: {text}", self.condition),
            None => format!("stream error {}", self.condition),
        };
        match self.condition.as_str() {
            "system-shutdown" => Err(Outcome::Drain { cause: told.into(), retry_after: None }),
            "resource-constraint" => Err(Outcome::Degraded(told.into())),
            "see-other-host" => Ok(format!("{told}: it sends clients elsewhere")),
            "policy-violation" | "reset" => Err(unknown(format!("{told}: the checker may have asked too often"))),
            "bad-format"
            | "bad-namespace-prefix"
            | "improper-addressing"
            | "invalid-from"
            | "invalid-namespace"
            | "invalid-xml"
            | "not-authorized"
            | "not-well-formed"
            | "restricted-xml"
            | "unsupported-encoding"
            | "unsupported-feature"
            | "unsupported-stanza-type"
            | "unsupported-version" => Ok(format!("{told}: it dislikes the probe (a server may want `from`)")),
            _ => Err(conclusive(told)),
        }
    }
}

const ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// The longest condition that is told, in octets.
const NAME_MAX: usize = 40;
/// The longest text of a server that is told, in octets.
const TEXT_MAX: usize = 160;

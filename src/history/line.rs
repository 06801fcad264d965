//! The lines of the history and their JSON. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The first line of a file: the version of its lines.
    History(Version),
    /// A server began to judge.
    Start(Start),
    /// It ended in order.
    Stop(Stop),
    /// What it believed and remembered at one moment.
    Picture(Picture),
    /// An event, as the API tells it.
    Event(EventLine),
    /// The number of an event that is not kept, where one with a lower number was kept last.
    Passed(Passed),
    /// An outcome that was judged.
    Outcome(OutcomeLine),
    /// Something could not be written.
    Lost(Lost),
}

/// The version of the lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number.
    pub version: u32,
}

/// A server began to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// When.
    pub at_us: u64,
    /// Its version.
    pub version: String,
}

/// A server ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// When.
    pub at_us: u64,
}

/// What a server believed and remembered at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// When.
    pub at_us: u64,
    /// Beliefs, memories and orders under the keys of the state; nothing if that would be too long.
    pub kept: Option<BTreeMap<String, Value>>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    /// Its number: it grows over restarts.
    pub sequence: u64,
    /// When.
    pub at_ms: u64,
    /// The rest of what the API tells.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// An event that is not kept: its number is taken all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Its number.
    pub sequence: u64,
}

/// An outcome that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeLine {
    /// The target.
    pub target: String,
    /// When it was judged.
    pub at_us: u64,
    /// How long before that the probe began.
    pub age_us: u64,
    /// `pass`, `degraded`, `drain`, `fail`, `silent` or `unknown`.
    pub outcome: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<String>,
    /// For how long a drain asks to be left alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_ms: Option<u64>,
    /// How many outcomes since the last line of this target have no line: all like that one.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub untold: u32,
}

/// Something could not be written, as the disk refused or was too slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// When it was noticed.
    pub at_us: u64,
    /// How many lines and outcomes.
    pub lines: u64,
}

impl Line {
    /// Writes the line with its end.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // Plain data with texts as keys: it can always be written.
        if serde_json::to_writer(&mut *out, self).is_ok() {
            out.push(b'\n');
        }
    }

    /// Reads a line without its end; nothing if it is torn, damaged or of a later version.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Returns whether this line, not yet read, has the number of an event.
    pub(super) fn is_numbered(line: &[u8]) -> bool {
        line.starts_with(b"{\"event\":") || line.starts_with(b"{\"passed\":")
    }

    /// Returns when it was written or what it tells of happened, in microseconds; nothing if it does not say.
    pub fn at_us(&self) -> Option<u64> {
        match self {
            Self::History(_) | Self::Passed(_) => None,
            Self::Start(Start { at_us, .. })
            | Self::Stop(Stop { at_us })
            | Self::Picture(Picture { at_us, .. })
            | Self::Outcome(OutcomeLine { at_us, .. })
            | Self::Lost(Lost { at_us, .. }) => Some(*at_us),
            Self::Event(event) => Some(event.at_ms.saturating_mul(1_000)),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The version of the lines that are written.
pub(super) const VERSION: Version = Version { version: 1 };

//! The keys of the config file: the description of each, and the reader that reports all findings of a section.
//!
//! ```text
//!   statement! ──▶ Key: name, text, default, status ──▶ known, shown in the example
//!        └───────▶ read ──▶ Reader: a section of TOML with places ──▶ values, or findings with line and caret
//! ```
//!
//! `config` states the keys of its sections by it, and each kind of check those of its own.
//!
//! **Invariant:** this module has no keys itself: it only has the means to state and read them.

pub mod reader;
pub mod source;
mod statement;
pub mod values;

pub(crate) use statement::statement;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What the example says of it, line by line; nothing where it stands with the key before it.
    pub text: &'static [&'static str],
    /// What the example gives it.
    pub value: Value,
    /// Whether it does something.
    pub status: Status,
}

/// What the example gives a key.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Its default, as TOML.
    Default(fn() -> String),
    /// A value to be adapted, as TOML: it has no default.
    Example(&'static str),
    /// Nothing: its section is shown as a whole.
    Unsaid,
}

/// Whether a key does something in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what it says.
    Works,
    /// Another value than the default is refused: leaving the feature out unsaid would do harm.
    Later,
}

/// A section as it is written, with its keys.
pub type Listed = (&'static str, &'static [&'static [Key]]);

/// A key that had another name in an earlier version.
#[derive(Clone, Copy, Debug)]
pub struct Renamed {
    /// The section, as it is written.
    pub section: &'static str,
    /// The name that is refused.
    pub old: &'static str,
    /// The name in its place.
    pub new: &'static str,
    /// What to write.
    pub help: &'static str,
}

impl Key {
    /// Makes a key that is shown with its section.
    pub const fn bare(name: &'static str) -> Self {
        Self { name, text: &[], value: Value::Unsaid, status: Status::Works }
    }

    /// Makes a key of a later version.
    pub const fn later(name: &'static str, text: &'static [&'static str], value: Value) -> Self {
        Self { name, text, value, status: Status::Later }
    }

    /// Returns its default as TOML; nothing if the key has none.
    pub fn default(&self) -> Option<String> {
        match self.value {
            Value::Default(write) => Some(write()),
            Value::Example(_) | Value::Unsaid => None,
        }
    }
}

/// Writes a name of Rust as one of the config: with hyphens.
pub const fn hyphened<const N: usize>(name: &str) -> [u8; N] {
    let (octets, mut written, mut at) = (name.as_bytes(), [0; N], 0);
    while at < N {
        written[at] = if octets[at] == b'_' { b'-' } else { octets[at] };
        at += 1;
    }
    written
}

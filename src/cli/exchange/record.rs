//! Records on their way from a provider's form to a zone, and what is known of the zone by then.

use crate::base::finding::Finding;
use crate::zone::{Name, Rtype};

/// One record as a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it stands, as in `srv.json, record 3`.
    pub(super) place: String,
    /// Its owner name; a text without a final dot is a whole name all the same, but for `@` and single labels.
    pub(super) owner: String,
    /// Its type.
    pub(super) rtype: String,
    /// Its TTL in seconds.
    pub(super) ttl: u32,
    /// Its data in presentation form; names within it as in `owner`.
    pub(super) value: String,
}

/// A record whose names are whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WireRecord {
    /// Where it stands.
    pub(super) place: String,
    /// Its owner name.
    pub(super) owner: Name,
    /// Its type.
    pub(super) rtype: Rtype,
    /// Its TTL in seconds.
    pub(super) ttl: u32,
    /// Its data, names uncompressed.
    pub(super) rdata: Vec<u8>,
}

/// All that was read so far.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// Records of JSON.
    pub(super) records: Vec<Record>,
    /// Records of master files.
    pub(super) wire: Vec<WireRecord>,
    /// The zone's name, as a file says it.
    pub(super) zone: Option<Name>,
    /// What was found.
    pub(super) findings: Vec<Finding>,
}

impl Imported {
    /// Notes that a part of a record is missing or wrong.
    pub(super) fn refuse(&mut self, place: &str, what: impl AsRef<str>, help: &str) {
        let finding = Finding::error("import-record", format!("{place}: {}", what.as_ref()));
        self.findings.push(finding.help(help));
    }
}

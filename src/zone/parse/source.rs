//! The input and output of the parser.

use super::places::Places;
use crate::base::finding::Finding;
use crate::zone::{Name, Zone};

/// What came out of a master file.
#[derive(Debug)]
pub struct Parsed {
    /// The zone, unless a finding is an error.
    pub zone: Option<Zone>,
    /// The owner of its first SOA, also if the zone is faulty elsewhere.
    pub apex: Option<Name>,
    /// What is wrong, in the order of the lines.
    pub findings: Vec<Finding>,
    /// Where each record was written; empty when made by [`load`](super::load).
    pub places: Places,
}

/// What is known of a zone's origin before its file is read.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The config names the zone: an SOA elsewhere is an error.
    Named(&'a Name),
    /// The file's name suggests it: `$ORIGIN` and the SOA's owner have the last word; a note says if it counts.
    Guessed(&'a Name),
    /// Nothing: the file must say.
    Unknown,
}

/// Gives the text of included files.
pub trait Sources {
    /// Reads the file that `$INCLUDE path` in `from_file` asks for; returns its name for findings, and its octets.
    ///
    /// # Errors
    /// Why it cannot be read or may not, in one sentence without a full stop.
    fn read(&mut self, from_file: &str, path: &str) -> Result<(String, Vec<u8>), String>;
}

/// Sources that give nothing: `$INCLUDE` is refused.
#[derive(Clone, Copy, Debug)]
pub struct NoSources;

impl Sources for NoSources {
    fn read(&mut self, _: &str, _: &str) -> Result<(String, Vec<u8>), String> {
        Err("files cannot be included here".to_owned())
    }
}

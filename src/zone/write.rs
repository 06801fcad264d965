//! A zone as text: parsed again, it is the same zone octet for octet.

use std::fmt::Write;

use super::parse::tokens_of;
use super::schema::{self, Problem, Rdata, Token};
use super::{Name, Rrset, Rtype, Zone};

/// Writes a master file: the SOA first, then all names in canonical order, in full and with their TTLs.
///
/// # Errors
/// Those of `out`.
pub fn write(zone: &Zone, out: &mut dyn Write) -> std::fmt::Result {
    let mut line = String::new();
    let mut records = |owner: &Name, set: &Rrset, out: &mut dyn Write| {
        line.clear();
        write_rrset(owner, set, &mut line);
        out.write_str(&line)
    };
    for (owner, sets) in zone.nodes() {
        let is_soa = |set: &Rrset| set.rtype() == Rtype::SOA;
        for set in sets.iter().filter(|set| is_soa(set)).chain(sets.iter().filter(|set| !is_soa(set))) {
            records(owner, set, out)?;
        }
    }
    Ok(())
}

/// Writes the records of one set, a line each.
pub fn write_rrset(owner: &Name, set: &Rrset, out: &mut String) {
    for rdata in set.rdatas() {
        let ttl = set.ttl_of(rdata);
        // Writing to a string does not fail.
        _ = write!(out, "{owner} {ttl} IN {} ", set.rtype());
        schema::print(set.rtype(), rdata, out);
        out.push('\n');
    }
}

/// Returns RDATA as text; malformed RDATA, and that of types not known here, as RFC 3597 §5 has it.
pub fn rdata_text(rtype: Rtype, rdata: &[u8]) -> String {
    let mut text = String::new();
    schema::print(rtype, rdata, &mut text);
    text
}

/// Reads the text of one record's RDATA; relative names take `origin`.
///
/// # Errors
/// What is wrong and what would be right.
pub fn parse_rdata(rtype: Rtype, text: &str, origin: Option<&Name>) -> Result<Vec<u8>, RdataError> {
    let plain = |message: &str| RdataError { message: message.to_owned(), help: None };
    let tokens: Vec<Token<'_>> = tokens_of(text.as_bytes()).map_err(plain)?;
    let mut rdata = Rdata::default();
    let read = schema::read(rtype, &tokens, origin.map(Name::wire), &mut rdata);
    read.map_err(|Problem { message, help, .. }| RdataError { message, help })?;
    Ok(rdata.octets)
}

/// Why a text is no RDATA of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RdataError {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

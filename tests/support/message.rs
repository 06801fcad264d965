//! Answers of any server in one form, so that two can be compared.

use std::collections::BTreeSet;
use std::fmt;

use understudy::zone::{Name, Rtype, name, write};

/// What an answer says, without what may differ: order, compression, letter case.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) rcode: u16,
    pub(crate) authoritative: bool,
    pub(crate) truncated: bool,
    pub(crate) answer: BTreeSet<Record>,
    pub(crate) authority: BTreeSet<Record>,
    pub(crate) additional: BTreeSet<Record>,
}

/// One record, names in lower case and in full.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) owner: Vec<u8>,
    pub(crate) rtype: Rtype,
    pub(crate) ttl: u32,
    pub(crate) rdata: Vec<u8>,
}

impl Said {
    /// Reads a whole message.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let count = |at: usize| Some(usize::from(short(message, at)?));
        let flags = short(message, 2)?;
        let mut at = 12;
        for _ in 0..count(4)? {
            (_, at) = read_name(message, at)?;
            at += 4;
        }
        let mut rcode = flags & 0x0f;
        let mut sections = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        for (section, records) in sections.iter_mut().enumerate() {
            for _ in 0..count(6 + 2 * section)? {
                let record;
                (record, at) = read_record(message, at)?;
                if record.rtype == Rtype::OPT {
                    rcode |= u16::try_from(record.ttl >> 24).ok()? << 4;
                } else {
                    records.insert(record);
                }
            }
        }
        let [answer, authority, additional] = sections;
        let (authoritative, truncated) = (flags & 0x0400 != 0, flags & 0x0200 != 0);
        Some(Self { rcode, authoritative, truncated, answer, authority, additional })
    }
}

fn read_record(message: &[u8], at: usize) -> Option<(Record, usize)> {
    let (owner, at) = read_name(message, at)?;
    let rtype = Rtype(short(message, at)?);
    let ttl = u32::from(short(message, at + 4)?) << 16 | u32::from(short(message, at + 6)?);
    let (start, length) = (at + 10, usize::from(short(message, at + 8)?));
    let end = start + length;
    let rdata = read_rdata(message.get(..end)?, start, rtype)?;
    Some((Record { owner, rtype, ttl, rdata }, end))
}

/// Reads RDATA, names within in full and in lower case.
fn read_rdata(message: &[u8], start: usize, rtype: Rtype) -> Option<Vec<u8>> {
    let (before, names) = match rtype {
        Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::DNAME | Rtype::NSEC => (0, 1),
        Rtype::MX | Rtype::KX | Rtype::HTTPS | Rtype::SVCB => (2, 1),
        Rtype::SRV => (6, 1),
        Rtype::RRSIG => (18, 1),
        Rtype::SOA => (0, 2),
        Rtype::NAPTR => {
            let strings = message.get(start + 4..)?;
            let mut length = 4;
            for _ in 0..3 {
                length += 1 + usize::from(*strings.get(length - 4)?);
            }
            (length, 1)
        }
        _ => (0, 0),
    };
    let mut rdata = message.get(start..start + before)?.to_vec();
    let mut at = start + before;
    for _ in 0..names {
        let name;
        (name, at) = read_name(message, at)?;
        rdata.extend_from_slice(&name);
    }
    rdata.extend_from_slice(message.get(at..)?);
    Some(rdata)
}

fn read_name(message: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let (mut wire, mut end) = (Vec::new(), None);
    loop {
        let length = *message.get(at)?;
        match length {
            0 => {
                wire.push(0);
                wire.make_ascii_lowercase();
                return Some((wire, end.unwrap_or(at + 1)));
            }
            192.. => {
                end = end.or(Some(at + 2));
                let to = usize::from(short(message, at)? & 0x3fff);
                at = Some(to).filter(|to| *to < at)?;
            }
            _ => {
                wire.extend_from_slice(message.get(at..=at + usize::from(length))?);
                at += usize::from(length) + 1;
            }
        }
    }
}

fn short(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]))
}

impl Record {
    /// Returns the host that the record names, if its type brings additional records.
    pub(crate) fn host(&self) -> Option<Vec<u8>> {
        let start = match self.rtype {
            Rtype::NS => 0,
            Rtype::MX | Rtype::KX | Rtype::AFSDB | Rtype::RT | Rtype::SVCB | Rtype::HTTPS => 2,
            Rtype::SRV => 6,
            Rtype::NAPTR => {
                let mut length = 4;
                for _ in 0..3 {
                    length += 1 + usize::from(*self.rdata.get(length)?);
                }
                length
            }
            _ => return None,
        };
        name::split_wire(self.rdata.get(start..)?).map(|(host, _)| host.to_vec())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = Name::from_wire(&self.owner).map_err(|_| fmt::Error)?;
        let mut rdata = write::rdata_text(self.rtype, &self.rdata);
        rdata.truncate(70);
        write!(f, "{owner} {} {} {rdata}", self.ttl, self.rtype)
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rcode {} aa {} tc {}", self.rcode, self.authoritative, self.truncated)?;
        for (title, records) in
            [("answer", &self.answer), ("authority", &self.authority), ("additional", &self.additional)]
        {
            for record in records {
                write!(f, "\n      {title}: {record:?}")?;
            }
        }
        Ok(())
    }
}

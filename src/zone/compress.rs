//! Writes names and RDATA into messages, with name compression (RFC 1035 §4.1.4).

use arrayvec::ArrayVec;

use super::{Rtype, name};

/// Remembers where labels stand in a message.
#[derive(Debug, Default)]
pub struct Compressor {
    limiter: ArrayVec<Place, PLACES_MAX>,
}

/// Where a name begins, and how many octets it has in full: a cheap reason to look no further.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u16,
    length: u8,
}

impl Compressor {
    /// Begins with a message in which no name stands yet.
    pub fn new() -> Self {
        Self { limiter: ArrayVec::new() }
    }

    /// Returns a mark to go [`back`](Self::back) to.
    pub const fn mark(&self) -> usize {
        self.limiter.len()
    }

    /// Forgets what was remembered since the mark.
    pub fn back(&mut self, mark: usize) {
        self.limiter.truncate(mark);
    }

    /// Remembers an uncompressed name that stands at `at`, and its endings.
    pub fn remember(&mut self, at: usize, wire: &[u8]) {
        let mut rest = wire;
        while let Some((&length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
            self.push(at + wire.len() - rest.len(), rest.len());
            rest = tail.get(usize::from(length)..).unwrap_or(&[]);
        }
    }

    /// Writes a name, its longest known ending as a pointer.
    pub fn write(&mut self, message: &mut Vec<u8>, wire: &[u8]) {
        let mut rest = wire;
        while let Some((&length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
            if let Some(place) = self.find(message, rest) {
                message.extend_from_slice(&(POINTER | place).to_be_bytes());
                return;
            }
            self.push(message.len(), rest.len());
            let Some((label, tail)) = tail.split_at_checked(usize::from(length)) else { return };
            message.push(length);
            message.extend_from_slice(label);
            rest = tail;
        }
        message.push(0);
    }

    /// Writes RDATA; only names in the types of RFC 1035 may be compressed (RFC 3597 §4).
    pub fn write_rdata(&mut self, message: &mut Vec<u8>, rtype: Rtype, rdata: &[u8]) {
        let (prefix, names) = match rtype {
            Rtype::NS | Rtype::CNAME | Rtype::PTR | Rtype::MB | Rtype::MD | Rtype::MF | Rtype::MG | Rtype::MR => (0, 1),
            Rtype::MX => (2, 1),
            Rtype::SOA | Rtype::MINFO => (0, 2),
            Rtype::SRV => {
                // Its host stands in full (RFC 2782), but later owners may point to it.
                message.extend_from_slice(rdata);
                let host = rdata.get(6..).unwrap_or(&[]);
                self.remember(message.len() - host.len(), host);
                return;
            }
            _ => (0, 0),
        };
        let Some((start, mut rest)) = rdata.split_at_checked(prefix) else { return };
        message.extend_from_slice(start);
        for _ in 0..names {
            let Some((wire, tail)) = name::split_wire(rest) else { break };
            self.write(message, wire);
            rest = tail;
        }
        message.extend_from_slice(rest);
    }

    fn push(&mut self, at: usize, length: usize) {
        if let (Ok(at), Ok(length)) = (u16::try_from(at), u8::try_from(length))
            && at < POINTER_MAX
        {
            // Beyond the limit names are written in full.
            let _full = self.limiter.try_push(Place { at, length });
        }
    }

    fn find(&self, message: &[u8], wire: &[u8]) -> Option<u16> {
        let known = self.limiter.iter().filter(|place| usize::from(place.length) == wire.len());
        known.map(|place| place.at).find(|at| stands_at(message, usize::from(*at), wire))
    }
}

/// Returns whether the name at a place of the message, pointers followed, equals `wire`.
///
/// Pointers in a message of ours lead to earlier places only, so this ends.
fn stands_at(message: &[u8], mut at: usize, wire: &[u8]) -> bool {
    let mut labels = name::labels(wire);
    loop {
        let Some(&length) = message.get(at) else { return false };
        if length >= 192 {
            let Some(&low) = message.get(at + 1) else { return false };
            at = usize::from(u16::from_be_bytes([length & 0x3f, low]));
            continue;
        }
        let Some(label) = labels.next() else { return length == 0 };
        let end = at + 1 + usize::from(length);
        match message.get(at + 1..end) {
            Some(found) if found.eq_ignore_ascii_case(label) => at = end,
            Some(_) | None => return false,
        }
    }
}

const POINTER: u16 = 0xc000;
/// A pointer has 14 bits.
const POINTER_MAX: u16 = 0x4000;
/// Labels remembered; those beyond are written in full.
const PLACES_MAX: usize = 96;

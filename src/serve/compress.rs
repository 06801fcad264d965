//! Name compression (RFC 1035 §4.1.4).

use arrayvec::ArrayVec;

use crate::zone::name;

/// Remembers where labels stand in a message.
#[derive(Debug)]
pub(super) struct Compressor {
    limiter: ArrayVec<Place, PLACES_MAX>,
}

/// Where a name begins, and how many octets it has in full: a cheap reason to look no further.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u16,
    length: u8,
}

impl Compressor {
    pub(super) fn new() -> Self {
        Self { limiter: ArrayVec::new() }
    }

    /// Returns a mark to go [`back`](Self::back) to.
    pub(super) const fn mark(&self) -> usize {
        self.limiter.len()
    }

    /// Forgets what was remembered since the mark.
    pub(super) fn back(&mut self, mark: usize) {
        self.limiter.truncate(mark);
    }

    /// Remembers an uncompressed name that stands at `at`, and its endings.
    pub(super) fn remember(&mut self, at: usize, wire: &[u8]) {
        let mut rest = wire;
        while let Some((&length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
            self.push(at + wire.len() - rest.len(), rest.len());
            rest = tail.get(usize::from(length)..).unwrap_or(&[]);
        }
    }

    /// Writes a name, its longest known ending as a pointer.
    pub(super) fn write(&mut self, message: &mut Vec<u8>, wire: &[u8]) {
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

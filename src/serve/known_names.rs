//! Names that stand in a message, for later ones to point to: as [`Compressor`](crate::zone::compress::Compressor) does, for
//! messages of a few names.
//!
//! It remembers whole names, not their endings: a name is compared with each of them from the right.

use arrayvec::ArrayVec;

use crate::zone::name;

/// The names, in the order of their places.
#[derive(Debug, Default)]
pub(super) struct KnownNames<'a> {
    known: ArrayVec<(u16, &'a [u8]), NAMES_MAX>,
    labels: usize,
}

impl<'a> KnownNames<'a> {
    /// Remembers a name that stands at a place, its end perhaps as a pointer; nothing if there are more than are remembered.
    pub(super) fn add(&mut self, at: usize, wire: &'a [u8]) -> Option<()> {
        let at = u16::try_from(at).ok().filter(|at| *at < POINTER)?;
        self.labels += name::labels(wire).count();
        // The other one remembers so many labels and no more.
        if self.labels > LABELS_MAX {
            return None;
        }
        self.known.try_push((at, wire)).ok()
    }

    /// Returns a pointer to a name that stands there in full; nothing if it does not.
    pub(super) fn place(&self, wire: &[u8]) -> Option<u16> {
        if wire.len() <= 1 {
            return None;
        }
        self.known.iter().find_map(|(at, known)| {
            let before = known.len().checked_sub(wire.len())?;
            let ending = known.get(before..)?;
            // The first octet is a length: this tells most of them apart.
            let is_it = ending.first() == wire.first() && (ending == wire || ending.eq_ignore_ascii_case(wire));
            (is_it && begins_label(known, before)).then(|| pointer(*at, before)).flatten()
        })
    }

    /// Writes a name, its longest known ending as a pointer, and remembers it.
    pub(super) fn write(&mut self, wire: &'a [u8], message: &mut Vec<u8>) -> Option<()> {
        let at = message.len();
        let mut rest = wire;
        while let Some((&length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
            if let Some(place) = self.place(rest) {
                message.extend_from_slice(wire.get(..wire.len() - rest.len())?);
                message.extend_from_slice(&place.to_be_bytes());
                return self.add(at, wire);
            }
            rest = tail.get(usize::from(length)..)?;
        }
        message.extend_from_slice(wire);
        self.add(at, wire)
    }
}

/// Returns whether a label of a name begins at a place.
fn begins_label(wire: &[u8], place: usize) -> bool {
    let mut at = 0;
    while at < place {
        let Some(length) = wire.get(at) else { return false };
        at += usize::from(*length) + 1;
    }
    at == place
}

fn pointer(at: u16, before: usize) -> Option<u16> {
    let place = at.checked_add(u16::try_from(before).ok()?)?;
    (place < POINTER_MAX).then_some(POINTER | place)
}

const POINTER: u16 = 0xc000;
/// A pointer has 14 bits.
const POINTER_MAX: u16 = 0x4000;
/// The question's, those of 16 hosts, and a few more.
const NAMES_MAX: usize = 20;
/// As many as the general renderer remembers.
const LABELS_MAX: usize = 96;

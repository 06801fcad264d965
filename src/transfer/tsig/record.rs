//! The TSIG record of a message (RFC 8945 §4.2), and the record of an error that is not signed.

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::zone::{Rtype, name};

/// The TSIG record at the end of a message.
///
/// Its names may be compressed, and are kept by their place: few messages are signed, and all would pay for the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tsig<'p> {
    packet: &'p [u8],
    /// Where the name of the key begins, and with it the record.
    key: usize,
    /// Where the name of the algorithm begins.
    algorithm: usize,
    /// Where the time of the signature begins, behind the name of the algorithm.
    time: usize,
}

/// A message that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message that cannot be read")]
pub struct Unreadable;

/// What a TSIG record says behind the name of its algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields<'p> {
    /// The time of the signature and the fudge.
    pub(super) times: [u8; 8],
    pub(super) mac: &'p [u8],
    /// The number of the message before any forwarder changed it.
    pub(super) id: [u8; 2],
    pub(super) error: u16,
    pub(super) other: &'p [u8],
}

/// A name of a packet in full.
pub(in crate::transfer) type Expanded = ArrayVec<u8, { name::MAX_NAME }>;

impl<'p> Tsig<'p> {
    /// Reads a record by where its owner and its data stand in the packet; nothing if a name cannot be read, or if the
    /// data is cut short or goes on.
    pub fn read(packet: &'p [u8], owner: usize, rdata: Range<usize>) -> Option<Self> {
        expand(packet, owner)?;
        let (_, time) = expand(packet, rdata.start)?;
        let (_, rest) = split_fields(packet.get(time..rdata.end)?)?;
        rest.is_empty().then_some(Self { packet, key: owner, algorithm: rdata.start, time })
    }

    /// Finds the record at the end of a message; nothing if the last record is another one.
    ///
    /// # Errors
    /// If the message cannot be read, or if the record stands elsewhere (RFC 8945 §5.1).
    pub fn find(packet: &'p [u8]) -> Result<Option<Self>, Unreadable> {
        Self::last(packet).ok_or(Unreadable)
    }

    fn last(packet: &'p [u8]) -> Option<Option<Self>> {
        let counts: [u8; 8] = packet.get(4..12)?.try_into().ok()?;
        let [questions, answers, authorities, additionals] =
            [0, 2, 4, 6].map(|at| u32::from(counts[at]) << 8 | u32::from(counts[at + 1]));
        let mut at = 12;
        for _ in 0..questions {
            at = skip_name(packet, at)? + 4;
        }
        let records = answers + authorities + additionals;
        for number in 1..=records {
            let owner = at;
            let &[t0, t1, .., l0, l1] = packet.get(skip_name(packet, at)?..)?.first_chunk::<HEADER>()?;
            let start = skip_name(packet, at)? + HEADER;
            at = start + usize::from(u16::from_be_bytes([l0, l1]));
            packet.get(start..at)?;
            if u16::from_be_bytes([t0, t1]) == Rtype::TSIG.0 {
                let is_last = number == records && additionals > 0;
                return if is_last { Self::read(packet, owner, start..at).map(Some) } else { None };
            }
        }
        Some(None)
    }

    /// Returns the name of the key in full, as it was written.
    pub(super) fn key(&self) -> Expanded {
        expand(self.packet, self.key).map(|(name, _)| name).unwrap_or_default()
    }

    /// Returns whether this is the name of the key.
    pub fn is_by(&self, key: &[u8]) -> bool {
        self.key().eq_ignore_ascii_case(key)
    }

    pub(super) fn algorithm(&self) -> Expanded {
        expand(self.packet, self.algorithm).map(|(name, _)| name).unwrap_or_default()
    }

    pub(super) fn fields(&self) -> Option<Fields<'p>> {
        split_fields(self.packet.get(self.time..)?).map(|(fields, _)| fields)
    }

    /// Returns the message before the record.
    pub(super) fn message(&self) -> &'p [u8] {
        self.packet.get(..self.key).unwrap_or_default()
    }

    /// Writes the record of an answer that is not signed (RFC 8945 §5.3.2), if it leaves the message within `limit` octets;
    /// returns whether it does.
    pub(super) fn write_unsigned(&self, error: u16, message: &mut Vec<u8>, limit: usize) -> bool {
        let Some(Fields { times, id, .. }) = self.fields() else { return false };
        let (key, algorithm) = (self.key(), self.algorithm());
        let fields = Fields { times, mac: &[], id, error, other: &[] };
        if message.len() + length(&key, &algorithm, 0, 0) > limit {
            return false;
        }
        write(message, &key, &algorithm, fields);
        true
    }
}

/// Writes a record.
pub(super) fn write(message: &mut Vec<u8>, key: &[u8], algorithm: &[u8], fields: Fields<'_>) {
    let Fields { times, mac, id, error, other } = fields;
    let short = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let rdlength = algorithm.len() + FIXED + mac.len() + other.len();
    message.extend_from_slice(key);
    message.extend_from_slice(&Rtype::TSIG.0.to_be_bytes());
    message.extend_from_slice(&[0, CLASS_ANY, 0, 0, 0, 0]);
    message.extend_from_slice(&short(rdlength));
    message.extend_from_slice(algorithm);
    message.extend_from_slice(&times);
    message.extend_from_slice(&short(mac.len()));
    message.extend_from_slice(mac);
    message.extend_from_slice(&id);
    message.extend_from_slice(&error.to_be_bytes());
    message.extend_from_slice(&short(other.len()));
    message.extend_from_slice(other);
}

/// Returns how long a record is.
pub(super) const fn length(key: &[u8], algorithm: &[u8], mac: usize, other: usize) -> usize {
    key.len() + HEADER + algorithm.len() + FIXED + mac + other
}

/// Splits what stands behind the name of the algorithm from what follows it.
fn split_fields(octets: &[u8]) -> Option<(Fields<'_>, &[u8])> {
    let (&times, rest) = octets.split_first_chunk::<8>()?;
    let (&mac_length, rest) = rest.split_first_chunk::<2>()?;
    let (mac, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(mac_length)))?;
    let (&id, rest) = rest.split_first_chunk::<2>()?;
    let (&[e0, e1, o0, o1], rest) = rest.split_first_chunk::<4>()?;
    let (other, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([o0, o1])))?;
    Some((Fields { times, mac, id, error: u16::from_be_bytes([e0, e1]), other }, rest))
}

/// Returns the place behind a name, whose pointer is not followed.
fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            192.. => return Some(at + 2),
            64..=191 => return None,
        }
    }
}

/// Returns a name in full, and the place behind it; nothing if it is none, or if a pointer does not lead back.
pub(in crate::transfer) fn expand(packet: &[u8], mut at: usize) -> Option<(Expanded, usize)> {
    let (mut wire, mut behind, mut earliest) = (Expanded::new(), None, at);
    loop {
        let length = *packet.get(at)?;
        match length {
            0 => {
                wire.try_push(0).ok()?;
                return Some((wire, behind.unwrap_or(at + 1)));
            }
            1..=63 => {
                let end = at + 1 + usize::from(length);
                wire.try_extend_from_slice(packet.get(at..end)?).ok()?;
                at = end;
            }
            192.. => {
                let target = usize::from(u16::from_be_bytes([length & 0x3f, *packet.get(at + 1)?]));
                behind = behind.or(Some(at + 2));
                // RFC 1035 §4.1.4: to a prior occurrence; so this ends.
                if target >= earliest {
                    return None;
                }
                (earliest, at) = (target, target);
            }
            64..=191 => return None,
        }
    }
}

/// Type, class, TTL and length of a record.
const HEADER: usize = 10;
/// The data behind the name of the algorithm, without MAC and other data.
const FIXED: usize = 16;
/// RFC 8945 §4.2.
const CLASS_ANY: u8 = 255;

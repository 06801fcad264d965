//! The TSIG of a query (RFC 8945), and the error for an unknown key.

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::zone::{Rtype, name};

/// The TSIG record of a query, as far as its answer repeats it.
///
/// Its names may be compressed, and are kept by their place: few queries are signed, and all would pay for the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tsig<'p> {
    packet: &'p [u8],
    /// Where the name of the key begins.
    key: usize,
    /// Where the name of the algorithm begins.
    algorithm: usize,
    /// The time of the signature and the fudge.
    times: [u8; 8],
    /// The number of the query before any forwarder changed it.
    id: [u8; 2],
}

/// A name of a packet in full.
type Expanded = ArrayVec<u8, { name::MAX_NAME }>;

impl<'p> Tsig<'p> {
    /// Reads a record by where its owner and its data stand in the packet (RFC 8945 §4.2); nothing if a name cannot be
    /// read, or if the data is cut short or goes on.
    pub(super) fn read(packet: &'p [u8], owner: usize, rdata: Range<usize>) -> Option<Self> {
        expand(packet, owner)?;
        let (_, behind) = expand(packet, rdata.start)?;
        let rest = packet.get(behind..rdata.end)?;
        let (times, rest) = rest.split_first_chunk::<8>()?;
        let (&mac, rest) = rest.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(mac)))?;
        let (id, rest) = rest.split_first_chunk::<2>()?;
        let (&[_, _, o0, o1], other) = rest.split_first_chunk::<4>()?;
        let whole = other.len() == usize::from(u16::from_be_bytes([o0, o1]));
        whole.then_some(Self { packet, key: owner, algorithm: rdata.start, times: *times, id: *id })
    }

    /// Writes the record of an answer that is not signed, as the key is unknown (RFC 8945 §5.2.1, §5.3.2), if it leaves the
    /// message within `limit` octets; returns whether it does.
    pub(super) fn write_unknown_key(&self, message: &mut Vec<u8>, limit: usize) -> bool {
        let (Some((key, _)), Some((algorithm, _))) =
            (expand(self.packet, self.key), expand(self.packet, self.algorithm))
        else {
            return false;
        };
        let [r0, r1] = Rtype::TSIG.0.to_be_bytes();
        let length = algorithm.len() + FIXED;
        let Ok(rdlength) = u16::try_from(length) else { return false };
        let [l0, l1] = rdlength.to_be_bytes();
        if message.len() + key.len() + HEADER + length > limit {
            return false;
        }
        message.extend_from_slice(&key);
        message.extend_from_slice(&[r0, r1, 0, CLASS_ANY, 0, 0, 0, 0, l0, l1]);
        message.extend_from_slice(&algorithm);
        message.extend_from_slice(&self.times);
        // No MAC.
        message.extend_from_slice(&[0; 2]);
        message.extend_from_slice(&self.id);
        message.extend_from_slice(&[0, BADKEY, 0, 0]);
        true
    }
}

/// Returns a name in full, and the place behind it; nothing if it is none, or if a pointer does not lead back.
fn expand(packet: &[u8], mut at: usize) -> Option<(Expanded, usize)> {
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
/// RFC 8945 §3.
const BADKEY: u8 = 17;

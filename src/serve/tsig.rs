//! What signed a query (RFC 8945), and what is said of a key that nobody here knows.

use crate::zone::{Rtype, name};

/// The TSIG record of a query, as far as its answer repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tsig<'p> {
    /// The name of the key.
    key: &'p [u8],
    /// The name of the algorithm.
    algorithm: &'p [u8],
    /// The time of the signature and the fudge.
    times: [u8; 8],
    /// The number of the query before any forwarder changed it.
    id: [u8; 2],
}

impl<'p> Tsig<'p> {
    /// Reads a record's owner and data (RFC 8945 §4.2); nothing if a name is compressed or the data cut short.
    pub(super) fn read(owner: &'p [u8], rdata: &'p [u8]) -> Option<Self> {
        let (key, []) = name::split_wire(owner)? else { return None };
        let (algorithm, rest) = name::split_wire(rdata)?;
        let (times, rest) = rest.split_first_chunk::<8>()?;
        let (&mac, rest) = rest.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(mac)))?;
        let (id, rest) = rest.split_first_chunk::<2>()?;
        // The error and the length of other data.
        rest.split_first_chunk::<4>()?;
        Some(Self { key, algorithm, times: *times, id: *id })
    }

    /// Writes the record of an answer that is not signed, as the key is unknown (RFC 8945 §5.2.1, §5.3.2), if it leaves the
    /// message within `limit` octets; returns whether it does.
    pub(super) fn write_unknown_key(&self, message: &mut Vec<u8>, limit: usize) -> bool {
        let [r0, r1] = Rtype::TSIG.0.to_be_bytes();
        let length = self.algorithm.len() + FIXED;
        let Ok(rdlength) = u16::try_from(length) else { return false };
        let [l0, l1] = rdlength.to_be_bytes();
        if message.len() + self.key.len() + HEADER + length > limit {
            return false;
        }
        message.extend_from_slice(self.key);
        message.extend_from_slice(&[r0, r1, 0, CLASS_ANY, 0, 0, 0, 0, l0, l1]);
        message.extend_from_slice(self.algorithm);
        message.extend_from_slice(&self.times);
        // No MAC.
        message.extend_from_slice(&[0; 2]);
        message.extend_from_slice(&self.id);
        message.extend_from_slice(&[0, BADKEY, 0, 0]);
        true
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

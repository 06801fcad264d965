//! The octets of a NOTIFY, and of its answer (RFC 1996 §3).

use crate::transfer::tsig::Tsig;
use crate::zone::{Name, Rrset, Rtype};

/// Writes a NOTIFY with the new SOA (RFC 1996 §3.7).
pub(super) fn write(id: u16, zone: &Name, soa: &Rrset) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend_from_slice(&[OPCODE << 3 | AUTHORITATIVE, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.extend_from_slice(zone.wire());
    message.extend_from_slice(&Rtype::SOA.0.to_be_bytes());
    message.extend_from_slice(&CLASS_IN.to_be_bytes());
    let Some(rdata) = soa.rdatas().next() else { return message };
    let Ok(length) = u16::try_from(rdata.len()) else { return message };
    if let Some(count) = message.get_mut(7) {
        *count = 1;
    }
    // The owner is the name in the question.
    message.extend_from_slice(&[0xc0, 12]);
    message.extend_from_slice(&Rtype::SOA.0.to_be_bytes());
    message.extend_from_slice(&CLASS_IN.to_be_bytes());
    message.extend_from_slice(&soa.ttl().to_be_bytes());
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(rdata);
    message
}

/// What an answer says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'p> {
    pub(super) id: u16,
    pub(super) rcode: u8,
    pub(super) tsig: Option<Tsig<'p>>,
}

/// Reads an answer to a NOTIFY; nothing if it is none.
pub(super) fn read(packet: &[u8]) -> Option<Answer<'_>> {
    let &[i0, i1, f0, f1, ..] = packet.first_chunk::<12>()?;
    let is_answer = f0 & 0x80 != 0 && f0 >> 3 & 0x0f == OPCODE;
    let tsig = Tsig::find(packet).ok()?;
    is_answer.then_some(Answer { id: u16::from_be_bytes([i0, i1]), rcode: f1 & 0x0f, tsig })
}

/// RFC 1996 §3.
const OPCODE: u8 = 4;
/// The AA bit.
const AUTHORITATIVE: u8 = 4;
const CLASS_IN: u16 = 1;

//! Well-known services (RFC 1035 §3.4.2).

use std::fmt::{self, Write};

use super::mnemonic::{PROTOCOLS, SERVICES};
use super::problem::Problem;
use super::read::FieldReader;

/// Reads address, protocol and ports.
pub(super) fn read(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    let address = reader.ipv4()?;
    let protocol = reader.number_or_word("protocol", PROTOCOLS, 255)?;
    let mut bits = Vec::new();
    while reader.peek().is_some() {
        let port = reader.number_or_word("port", SERVICES, 65_535)? as usize;
        if bits.len() <= port / 8 {
            bits.resize(port / 8 + 1, 0u8);
        }
        bits[port / 8] |= 0x80 >> (port % 8);
    }
    reader.put(&address);
    reader.put(&protocol.to_be_bytes()[3..]);
    reader.put(&bits);
    Ok(())
}

/// Returns whether there are address and protocol, and a bit map without zeros at the end.
pub(super) fn is_wellformed(octets: &[u8]) -> bool {
    octets.split_at_checked(5).is_some_and(|(_, bits)| bits.len() <= 8192 && bits.last().is_none_or(|last| *last != 0))
}

/// Prints address, protocol and ports as numbers.
pub(super) fn print(octets: &[u8], out: &mut String) -> fmt::Result {
    let (&[a, b, c, d, protocol], bits) = octets.split_first_chunk::<5>().ok_or(fmt::Error)?;
    write!(out, "{a}.{b}.{c}.{d} {protocol}")?;
    for (number, octet) in bits.iter().enumerate() {
        for bit in (0..8).filter(|bit| octet & (0x80 >> bit) != 0) {
            write!(out, " {}", number * 8 + bit)?;
        }
    }
    Ok(())
}

//! Sets of types: windows of 256 types, each with up to 32 octets of bits (RFC 4034 §4.1.2).

use std::collections::BTreeSet;

use super::Rtype;
use super::problem::Problem;
use super::read::FieldReader;

/// Reads types up to the end.
pub(super) fn read(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    let mut types = BTreeSet::new();
    while reader.peek().is_some() {
        let rtype = reader.rtype()?;
        types.insert(rtype.0.to_be_bytes());
    }
    let types: Vec<[u8; 2]> = types.into_iter().collect();
    for window in types.chunk_by(|a, b| a[0] == b[0]) {
        let mut bits = [0u8; 32];
        for &[_, low] in window {
            bits[usize::from(low / 8)] |= 0x80 >> (low % 8);
        }
        let length = window.last().map_or(0, |last| last[1] / 8 + 1);
        reader.put(&[window[0][0], length]);
        reader.put(&bits[..usize::from(length)]);
    }
    Ok(())
}

/// Returns whether windows ascend and each has 1 to 32 octets, the last not zero.
pub(super) fn is_wellformed(octets: &[u8]) -> bool {
    windows(octets).is_some_and(|windows| {
        windows.windows(2).all(|pair| pair[0].0 < pair[1].0)
            && windows.iter().all(|(_, bits)| bits.len() <= 32 && bits.last().is_some_and(|last| *last != 0))
    })
}

/// Returns the types of a well-formed set in ascending order.
pub(super) fn types(octets: &[u8]) -> Vec<Rtype> {
    let mut types = Vec::new();
    for (window, bits) in windows(octets).unwrap_or_default() {
        for (number, octet) in (0u8..).zip(bits) {
            let low = (0..8u8).filter(|bit| octet & (0x80 >> bit) != 0).map(|bit| number * 8 + bit);
            types.extend(low.map(|low| Rtype(u16::from_be_bytes([window, low]))));
        }
    }
    types
}

fn windows(octets: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut rest = octets;
    let mut windows = Vec::new();
    while !rest.is_empty() {
        let (&[window, length], behind) = rest.split_first_chunk::<2>()?;
        let (bits, behind) = behind.split_at_checked(usize::from(length))?;
        windows.push((window, bits));
        rest = behind;
    }
    Some(windows)
}

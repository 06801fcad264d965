//! Address prefixes of APL (RFC 3123).

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::problem::Problem;
use super::read::FieldReader;

/// Reads prefixes up to the end.
pub(super) fn read(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    while reader.peek().is_some() {
        let word = reader.word("prefix")?;
        let item = item(word).ok_or_else(|| {
            reader.wrong(format!("`{word}` is no address prefix")).help("such as 1:192.0.2.0/24 or !2:2001:db8::/32")
        })?;
        reader.put(&item);
    }
    Ok(())
}

fn item(word: &str) -> Option<Vec<u8>> {
    let (negated, rest) = word.strip_prefix('!').map_or((0, word), |rest| (0x80, rest));
    let (family, rest) = rest.split_once(':')?;
    let (address, length) = rest.split_once('/')?;
    let (family, octets, most) = match family {
        "1" => (1, address.parse::<Ipv4Addr>().ok()?.octets().to_vec(), 32),
        "2" => (2, address.parse::<Ipv6Addr>().ok()?.octets().to_vec(), 128),
        _ => return None,
    };
    let length: u8 = length.parse().ok().filter(|bits| *bits <= most && !length.starts_with('+'))?;
    let kept = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    let count = u8::try_from(kept).ok()? | negated;
    let mut item = vec![0, family, length, count];
    item.extend_from_slice(octets.get(..kept)?);
    Some(item)
}

/// One item: family, prefix length, whether it is negated, octets without zeros at the end.
type Item<'a> = (u16, u8, bool, &'a [u8]);

fn items(octets: &[u8]) -> Option<Vec<Item<'_>>> {
    let mut rest = octets;
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (&[high, low, prefix, count], behind) = rest.split_first_chunk::<4>()?;
        let (address, behind) = behind.split_at_checked(usize::from(count & 0x7f))?;
        items.push((u16::from_be_bytes([high, low]), prefix, count & 0x80 != 0, address));
        rest = behind;
    }
    Some(items)
}

/// Returns whether the items are complete, and those of known families within their bounds.
pub(super) fn is_wellformed(octets: &[u8]) -> bool {
    items(octets).is_some_and(|items| {
        items.iter().all(|(family, prefix, _, address)| {
            let trimmed = address.last().is_none_or(|last| *last != 0);
            match family {
                1 => *prefix <= 32 && address.len() <= 4 && trimmed,
                2 => *prefix <= 128 && address.len() <= 16 && trimmed,
                _ => true,
            }
        })
    })
}

/// Prints the items; an error for families without a text form.
pub(super) fn print(octets: &[u8], out: &mut String) -> fmt::Result {
    for (number, (family, prefix, negated, address)) in items(octets).ok_or(fmt::Error)?.into_iter().enumerate() {
        let mut full = [0u8; 16];
        full.get_mut(..address.len()).ok_or(fmt::Error)?.copy_from_slice(address);
        let address = match family {
            1 => IpAddr::from([full[0], full[1], full[2], full[3]]),
            2 => IpAddr::from(full),
            _ => return Err(fmt::Error),
        };
        let (space, sign) = (if number > 0 { " " } else { "" }, if negated { "!" } else { "" });
        write!(out, "{space}{sign}{family}:{address}/{prefix}")?;
    }
    Ok(())
}

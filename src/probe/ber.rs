//! Reads and writes elements of ASN.1 as LDAP and Kerberos use them: tags of one octet, definite lengths.
//!
//! Lengths need not be the shortest: Active Directory writes four octets for each (X.690 §8.1.3.5 allows it in BER).

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'o> {
    /// Its tag, with class and form.
    pub tag: u8,
    /// What is in it.
    pub content: &'o [u8],
}

/// An element that no reader can use: a long tag, or a length that is indefinite or beyond all limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedBer;

/// Reads the first element, and what stands behind it; nothing: its end has not come yet.
///
/// # Errors
/// No octets that follow make an element of it.
pub fn read(octets: &[u8]) -> Result<Option<(Element<'_>, &[u8])>, MalformedBer> {
    let Some((&tag, rest)) = octets.split_first() else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(MalformedBer);
    }
    let Some((&first, rest)) = rest.split_first() else { return Ok(None) };
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return Err(MalformedBer);
        }
        let Some((length, rest)) = rest.split_at_checked(count) else { return Ok(None) };
        (length.iter().fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet)), rest)
    };
    if length > CONTENT_MAX {
        return Err(MalformedBer);
    }
    Ok(rest.split_at_checked(length).map(|(content, rest)| (Element { tag, content }, rest)))
}

/// Walks over the elements within another, up to the first that is none.
pub fn elements(mut octets: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || {
        let (element, rest) = read(octets).ok().flatten()?;
        octets = rest;
        Some(element)
    })
}

/// Returns the value of an INTEGER or ENUMERATED that is not negative.
pub fn number(content: &[u8]) -> Option<u32> {
    let short = !content.is_empty() && content.len() <= 4 && content.first().is_some_and(|first| first & 0x80 == 0);
    short.then(|| content.iter().fold(0, |sum, octet| (sum << 8) | u32::from(*octet)))
}

/// Writes an element of several parts, of at most 65,535 octets.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut octets = vec![tag];
    // The shortest form, as DER has it: MIT's KDC takes no other.
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => octets.push(low),
        (0, _) => octets.extend([0x81, low]),
        _ => octets.extend([0x82, high, low]),
    }
    parts.iter().for_each(|part| octets.extend_from_slice(part));
    octets
}

/// The longest content that is read.
const CONTENT_MAX: usize = 65_536;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "what is not there must fail")]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_forms_are_read() {
        for octets in [&b"\x04\x02ab!"[..], b"\x04\x81\x02ab!", b"\x04\x84\0\0\0\x02ab!"] {
            let (element, rest) = read(octets).unwrap().unwrap();
            assert_eq!((element, rest), (Element { tag: 4, content: b"ab" }, &b"!"[..]));
            for end in 0..octets.len() - 1 {
                assert_eq!(read(&octets[..end]), Ok(None), "{end}");
            }
        }
        for octets in [&b"\x1f\x01a"[..], b"\x04\x80", b"\x04\x85\0\0\0\0\x01a", b"\x04\x83\x01\0\x01"] {
            assert_eq!(read(octets), Err(MalformedBer), "{octets:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let (long, longer) = (vec![7; 100], vec![7; 300]);
        for content in [&b""[..], b"x", &long, &longer] {
            let written = element(0x30, &[content, content]);
            let (element, rest) = read(&written).unwrap().unwrap();
            assert_eq!((element.tag, element.content.len(), rest.len()), (0x30, content.len() * 2, 0));
        }
    }

    #[test]
    fn numbers_are_read_within_four_octets() {
        for (content, expected) in [
            (&b"\0"[..], Some(0)),
            (b"\x34", Some(52)),
            (b"\x01\0", Some(256)),
            (b"\xff", None),
            (b"", None),
            (&[0; 5], None),
        ] {
            assert_eq!(number(content), expected, "{content:?}");
        }
    }
}

//! Domain names in wire form.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The longest name in octets, the root label counted (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 255;
/// The longest label in octets (RFC 1035 §2.3.4).
pub const MAX_LABEL: usize = 63;

/// An absolute domain name, uncompressed, its case kept.
///
/// Equality and hash take ASCII letters of both cases as the same (RFC 4343); the order is the canonical one of
/// RFC 4034 §6.1, in which a name stands before all names below it.
#[derive(Clone)]
pub struct Name(Arc<[u8]>);

/// Why a text or a run of octets is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Two dots in a row, or a dot at the begin.
    #[error("empty label (two dots in a row)")]
    EmptyLabel,
    /// A label of more than 63 octets.
    #[error("label longer than 63 octets")]
    LongLabel,
    /// A name of more than 255 octets.
    #[error("name longer than 255 octets")]
    LongName,
    /// A backslash that is followed neither by three digits up to 255 nor by another character.
    #[error("bad escape: a backslash takes three decimal digits up to 255, or one other character")]
    BadEscape,
    /// Letters outside of ASCII: they would need their A-label (punycode) form.
    #[error("letters outside of ASCII: write the A-label (xn--…) form")]
    NotAscii,
    /// Wire octets that end early, hold a pointer or go on after the root label.
    #[error("malformed wire name")]
    Malformed,
    /// A relative name where no origin is known.
    #[error("relative name without an origin")]
    NoOrigin,
}

impl Name {
    /// Returns the root.
    pub fn root() -> Self {
        Self(Arc::from([0u8].as_slice()))
    }

    /// Reads an uncompressed wire name that fills `wire` exactly.
    ///
    /// # Errors
    /// [`NameError::Malformed`], [`NameError::LongName`].
    pub fn from_wire(wire: &[u8]) -> Result<Self, NameError> {
        match split_wire(wire) {
            Some((name, [])) => Ok(Self(Arc::from(name))),
            Some(_) | None if wire.len() > MAX_NAME => Err(NameError::LongName),
            Some(_) | None => Err(NameError::Malformed),
        }
    }

    /// Reads presentation form (RFC 1035 §5.1): `\DDD` is decimal, `\X` is the character X, a text without a final
    /// dot is relative to `origin`, `@` alone is the origin.
    ///
    /// # Errors
    /// Every [`NameError`] but `Malformed`.
    pub fn parse(text: &[u8], origin: Option<&Self>) -> Result<Self, NameError> {
        let mut wire = [0u8; MAX_NAME];
        let length = read(text, origin.map(Self::wire), &mut wire)?;
        Ok(Self(Arc::from(&wire[..length])))
    }

    /// Returns the wire octets, the root label last.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// Walks over the labels from the left, the root label left out.
    pub fn labels(&self) -> Labels<'_> {
        labels(&self.0)
    }

    /// Returns the number of labels, the root label left out.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// Returns whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns whether the leftmost label is `*` (RFC 4592 §2.1.1).
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with(b"\x01*")
    }

    /// Returns the name without its leftmost label; nothing for the root.
    pub fn parent(&self) -> Option<Self> {
        let first = usize::from(self.0[0]);
        (first > 0).then(|| Self(Arc::from(&self.0[first + 1..])))
    }

    /// Returns whether this name is `ancestor` or lies below it.
    pub fn is_within(&self, ancestor: &Self) -> bool {
        suffix(&self.0, &ancestor.0).is_some()
    }

    /// Returns the name with `label` put before it.
    ///
    /// # Errors
    /// [`NameError::EmptyLabel`], [`NameError::LongLabel`], [`NameError::LongName`].
    pub fn child(&self, label: &[u8]) -> Result<Self, NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        let length = u8::try_from(label.len()).ok().filter(|l| usize::from(*l) <= MAX_LABEL);
        let length = length.ok_or(NameError::LongLabel)?;
        if label.len() + 1 + self.0.len() > MAX_NAME {
            return Err(NameError::LongName);
        }
        Ok(Self([&[length], label, &self.0].concat().into()))
    }

    /// Returns the name with its ASCII letters in lower case.
    #[must_use]
    pub fn to_lower(&self) -> Self {
        Self(Arc::from(self.0.to_ascii_lowercase()))
    }
}

/// Reads presentation form as [`Name::parse`] does, into `wire`; returns the length.
///
/// # Errors
/// Every [`NameError`] but `Malformed`.
pub fn read(text: &[u8], origin: Option<&[u8]>, wire: &mut [u8; MAX_NAME]) -> Result<usize, NameError> {
    match text {
        b"@" => return append(wire, 0, origin),
        b"." => {
            wire[0] = 0;
            return Ok(1);
        }
        _ => {}
    }
    // `label` is the place of the open label's length octet, `end` the next free place.
    let (mut label, mut end) = (0usize, 1usize);
    let mut rest = text;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        let value = match octet {
            b'.' => {
                close_label(wire, label, end)?;
                label = end;
                end += 1;
                if rest.is_empty() {
                    *wire.get_mut(label).ok_or(NameError::LongName)? = 0;
                    return Ok(end);
                }
                continue;
            }
            b'\\' => {
                let (value, tail) = unescape(rest).ok_or(NameError::BadEscape)?;
                rest = tail;
                value
            }
            0x80.. => return Err(NameError::NotAscii),
            plain => plain,
        };
        *wire.get_mut(end).ok_or(NameError::LongName)? = value;
        end += 1;
    }
    close_label(wire, label, end)?;
    append(wire, end, origin)
}

/// Appends to `key` octets whose plain order is the canonical order of names (RFC 4034 §6.1), and of which those of
/// an ancestor are a prefix. `wire` is a valid uncompressed name.
pub fn push_sort_key(wire: &[u8], key: &mut Vec<u8>) {
    let mut starts = [0u8; 128];
    let mut left = label_starts(wire, &mut starts);
    while left > 0 {
        left -= 1;
        for octet in label_at(wire, starts[left]).iter().map(u8::to_ascii_lowercase) {
            // A label ends with 0, below every octet; so 0 and 1 themselves become two octets.
            match octet {
                0 | 1 => key.extend_from_slice(&[1, octet + 1]),
                other => key.push(other),
            }
        }
        key.push(0);
    }
}

/// Walks over the labels of an uncompressed wire name; made by [`labels`].
#[derive(Clone, Debug)]
pub struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let (&length, rest) = self.0.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(length))?;
        self.0 = rest;
        (length > 0).then_some(label)
    }
}

/// Walks over the labels of `wire`, a valid uncompressed name, from the left, the root label left out.
pub fn labels(wire: &[u8]) -> Labels<'_> {
    Labels(wire)
}

/// Splits `octets` behind the uncompressed name they begin with; nothing if they do not begin with one.
pub fn split_wire(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0usize;
    loop {
        let length = usize::from(*octets.get(at)?);
        at += length + 1;
        if length > MAX_LABEL || at > MAX_NAME {
            return None;
        }
        if length == 0 {
            return octets.split_at_checked(at);
        }
    }
}

/// Returns the octets of `name` before its suffix `ancestor`, compared label by label and without case; nothing if
/// `name` does not lie within `ancestor`. Both are valid uncompressed names.
pub fn suffix<'a>(name: &'a [u8], ancestor: &[u8]) -> Option<&'a [u8]> {
    let mut rest = name;
    while rest.len() > ancestor.len() {
        let (&length, tail) = rest.split_first()?;
        rest = tail.get(usize::from(length)..)?;
    }
    rest.eq_ignore_ascii_case(ancestor).then(|| &name[..name.len() - rest.len()])
}

/// Compares two valid uncompressed names in canonical order (RFC 4034 §6.1).
pub fn canonical_cmp(a: &[u8], b: &[u8]) -> Ordering {
    // At most 127 labels; their starts are gathered first, since the order counts from the right.
    let (mut starts_a, mut starts_b) = ([0u8; 128], [0u8; 128]);
    let (mut left_a, mut left_b) = (label_starts(a, &mut starts_a), label_starts(b, &mut starts_b));
    while left_a > 0 && left_b > 0 {
        left_a -= 1;
        left_b -= 1;
        let (label_a, label_b) = (label_at(a, starts_a[left_a]), label_at(b, starts_b[left_b]));
        let by_octet = label_a.iter().map(u8::to_ascii_lowercase).cmp(label_b.iter().map(u8::to_ascii_lowercase));
        if by_octet != Ordering::Equal {
            return by_octet;
        }
    }
    left_a.cmp(&left_b)
}

fn label_starts(name: &[u8], starts: &mut [u8; 128]) -> usize {
    let (mut at, mut count) = (0u8, 0);
    while name[usize::from(at)] != 0 {
        starts[count] = at;
        count += 1;
        at += name[usize::from(at)] + 1;
    }
    count
}

fn label_at(name: &[u8], start: u8) -> &[u8] {
    let start = usize::from(start);
    &name[start + 1..=start + usize::from(name[start])]
}

fn append(wire: &mut [u8; MAX_NAME], end: usize, origin: Option<&[u8]>) -> Result<usize, NameError> {
    let origin = origin.ok_or(NameError::NoOrigin)?;
    let total = end + origin.len();
    wire.get_mut(end..total).ok_or(NameError::LongName)?.copy_from_slice(origin);
    Ok(total)
}

fn close_label(wire: &mut [u8; MAX_NAME], label: usize, end: usize) -> Result<(), NameError> {
    let length = end - label - 1;
    if length == 0 {
        return Err(NameError::EmptyLabel);
    }
    let octet = u8::try_from(length).ok().filter(|_| length <= MAX_LABEL).ok_or(NameError::LongLabel)?;
    *wire.get_mut(label).ok_or(NameError::LongName)? = octet;
    Ok(())
}

/// Reads what stands behind a backslash (RFC 1035 §5.1): three decimal digits up to 255, or one other character;
/// returns the octet and the text behind it.
pub fn unescape(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
            let value = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
            Some((u8::try_from(value).ok()?, rest))
        }
        [b'0'..=b'9', ..] | [] => None,
        [plain, rest @ ..] => Some((*plain, rest)),
    }
}

impl fmt::Display for Name {
    /// Prints the absolute name with its final dot; octets that are special or not printable are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            // In pieces: most labels are one.
            for piece in label.split_inclusive(|octet| !is_plain(*octet)) {
                let special = piece.last().filter(|octet| !is_plain(**octet));
                let plain = &piece[..piece.len() - usize::from(special.is_some())];
                f.write_str(std::str::from_utf8(plain).expect("plain octets are ASCII"))?;
                match special {
                    None => {}
                    Some(octet @ b'!'..=b'~') => write!(f, "\\{}", char::from(*octet))?,
                    Some(other) => write!(f, "\\{other:03}")?,
                }
            }
            f.write_str(".")?;
        }
        Ok(())
    }
}

/// Returns whether an octet stands in a printed name as it is.
const fn is_plain(octet: u8) -> bool {
    matches!(octet, b'!'..=b'~') && !matches!(octet, b'.' | b'\\' | b'"' | b'(' | b')' | b';' | b'@' | b'$')
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        // Length octets are below 64 and so no letters: comparing octets without case is comparing labels.
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // In one piece: hashers take octets one by one several times slower.
        let mut lower = [0u8; MAX_NAME];
        let lower = &mut lower[..self.0.len()];
        lower.copy_from_slice(&self.0);
        lower.make_ascii_lowercase();
        state.write(lower);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        canonical_cmp(&self.0, &other.0)
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;
    /// Reads an absolute name; the final dot may be left out.
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text.as_bytes(), Some(&Self::root()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn reads_and_prints_escapes_in_decimal() {
        let odd = Name::parse(br"a\.b.\065\000\255c.example.", None).unwrap();
        assert_eq!(odd.wire(), b"\x03a.b\x04A\x00\xffc\x07example\x00");
        assert_eq!(odd.to_string(), r"a\.b.A\000\255c.example.");
        assert_eq!(Name::parse(odd.to_string().as_bytes(), None).unwrap().wire(), odd.wire());
    }

    #[test]
    fn relative_names_take_the_origin() {
        let origin = name("example.com");
        assert_eq!(Name::parse(b"sip", Some(&origin)).unwrap().to_string(), "sip.example.com.");
        assert_eq!(Name::parse(b"@", Some(&origin)).unwrap(), origin);
        assert_eq!(Name::parse(b"sip", None), Err(NameError::NoOrigin));
    }

    #[test]
    fn refuses_what_is_no_name() {
        for (text, error) in [
            ("a..b", NameError::EmptyLabel),
            (".a", NameError::EmptyLabel),
            ("", NameError::EmptyLabel),
            (r"a\256", NameError::BadEscape),
            (r"a\12", NameError::BadEscape),
            ("a\\", NameError::BadEscape),
            ("ä", NameError::NotAscii),
        ] {
            assert_eq!(Name::parse(text.as_bytes(), Some(&Name::root())), Err(error), "{text}");
        }
        let label = "a".repeat(63);
        assert!(Name::parse(label.as_bytes(), Some(&Name::root())).is_ok());
        assert_eq!(Name::parse(format!("{label}a").as_bytes(), Some(&Name::root())), Err(NameError::LongLabel));
        let longest = format!("{label}.{label}.{label}.{}.", "b".repeat(61));
        assert_eq!(Name::parse(longest.as_bytes(), None).unwrap().wire().len(), MAX_NAME);
        let too_long = format!("{label}.{label}.{label}.{}.", "b".repeat(62));
        assert_eq!(Name::parse(too_long.as_bytes(), None), Err(NameError::LongName));
        assert_eq!(
            Name::parse(too_long.trim_end_matches('.').as_bytes(), Some(&Name::root())),
            Err(NameError::LongName)
        );
    }

    #[test]
    fn sorts_as_rfc_4034_section_6_1() {
        let sorted = [
            "example.",
            "a.example.",
            "yljkjljk.a.example.",
            "Z.a.example.",
            "zABC.a.EXAMPLE.",
            "z.example.",
            "\\001.z.example.",
            "*.z.example.",
            "\\200.z.example.",
        ];
        let names: Vec<Name> = sorted.iter().map(|text| name(text)).collect();
        let mut shuffled: Vec<Name> = names.iter().rev().cloned().collect();
        shuffled.sort();
        assert_eq!(shuffled, names);
    }

    #[test]
    fn sort_keys_order_as_names_do() {
        let names: Vec<Name> =
            [".", "a.", r"a\000.", r"\000.a.", r"\001.a.", r"\002.a.", r"\001\001.a.", "b.a.", "B.b.a.", "ab.", "b."]
                .iter()
                .map(|text| name(text))
                .collect();
        for a in &names {
            for b in &names {
                let (mut key_a, mut key_b) = (Vec::new(), Vec::new());
                push_sort_key(a.wire(), &mut key_a);
                push_sort_key(b.wire(), &mut key_b);
                assert_eq!(key_a.cmp(&key_b), a.cmp(b), "{a} {b}");
                assert_eq!(key_a.starts_with(&key_b), a.is_within(b), "{a} {b}");
            }
        }
    }

    #[test]
    fn within_counts_labels_not_octets() {
        assert!(name("a.example.com").is_within(&name("EXAMPLE.com")));
        assert!(!name("aexample.com").is_within(&name("example.com")));
        assert!(name("example.com").is_within(&name("example.com")));
        assert!(name("example.com").is_within(&Name::root()));
    }
}

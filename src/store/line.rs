//! The journal's text: changes to lines and back. Pure.

use crc::{CRC_32_ISCSI, Crc};

use super::{Change, Entries};

/// What a journal's bytes hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    /// The changes of all intact lines, in order.
    pub(super) changes: Vec<Change>,
    /// The number of damaged lines, a damaged header among them; a torn last line is none.
    pub(super) damaged: usize,
    /// Whether the last line had no end and was dropped.
    pub(super) torn: bool,
    /// Whether the bytes are exactly a header and intact lines, so that lines can be appended.
    pub(super) clean: bool,
}

/// Reads a journal; damaged lines are counted and left out.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded { clean: true, ..Decoded::default() };
    let mut lines = bytes.split_inclusive(|&octet| octet == b'\n');
    match lines.next() {
        Some(first) if first == HEADER => {}
        // A crash while the very first header was written.
        Some(first) if HEADER.starts_with(first) => (decoded.torn, decoded.clean) = (true, false),
        None => decoded.clean = false,
        Some(first) => {
            decoded.damaged += 1;
            decoded.clean = false;
            // A header whose end alone is damaged has swallowed a line, and a missing one is a line.
            decoded.changes.extend(read(first.strip_suffix(b"\n").unwrap_or(first)));
        }
    }
    for line in lines {
        let (body, ended) = line.strip_suffix(b"\n").map_or((line, false), |body| (body, true));
        decoded.clean &= ended;
        match read(body) {
            Some(change) => decoded.changes.push(change),
            None if ended => decoded.damaged += 1,
            None => decoded.torn = true,
        }
    }
    decoded.clean &= decoded.damaged == 0;
    decoded
}

/// Applies changes in order to nothing.
pub(super) fn replay(changes: Vec<Change>) -> Entries {
    let mut entries = Entries::new();
    changes.into_iter().for_each(|change| apply(&mut entries, change));
    entries
}

/// Applies one change.
pub(super) fn apply(entries: &mut Entries, change: Change) {
    match change.value {
        Some(value) => drop(entries.insert(change.key, value)),
        None => drop(entries.remove(&change.key)),
    }
}

/// Appends a change as one line with its end.
pub(super) fn write(out: &mut Vec<u8>, key: &str, value: Option<&[u8]>) {
    let mut body = b"{\"key\":".to_vec();
    // A string always has a JSON form; `Value` prints it without an error to handle.
    body.extend_from_slice(serde_json::Value::from(key).to_string().as_bytes());
    match value {
        None => {}
        Some(json) if is_json_in_a_line(json) => {
            body.extend_from_slice(b",\"value\":");
            body.extend_from_slice(json);
        }
        Some(bytes) => {
            body.extend_from_slice(b",\"base64\":\"");
            body.extend_from_slice(data_encoding::BASE64.encode(bytes).as_bytes());
            body.push(b'"');
        }
    }
    body.push(b'}');
    out.extend_from_slice(format!("{:08x} ", crc32c(&body)).as_bytes());
    out.append(&mut body);
    out.push(b'\n');
}

/// Reads one line without its end; nothing if it is damaged.
fn read(line: &[u8]) -> Option<Change> {
    let (checksum, body) = line.split_at_checked(8)?;
    let body = body.strip_prefix(b" ")?;
    if format!("{:08x}", crc32c(body)).as_bytes() != checksum {
        return None;
    }
    // The checksum holds, so the line is as `write` made it: the value's own bytes lie between fixed words.
    let rest = body.strip_prefix(b"{\"key\":")?.strip_suffix(b"}")?;
    let mut words = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
    let key = words.next()?.ok()?;
    let rest = rest.get(words.byte_offset()..)?;
    let value = if rest.is_empty() {
        None
    } else if let Some(json) = rest.strip_prefix(b",\"value\":") {
        Some(json.to_vec())
    } else {
        let text = rest.strip_prefix(b",\"base64\":\"")?.strip_suffix(b"\"")?;
        Some(data_encoding::BASE64.decode(text).ok()?)
    };
    Some(Change { key, value })
}

fn is_json_in_a_line(bytes: &[u8]) -> bool {
    !bytes.iter().any(|octet| matches!(octet, b'\n' | b'\r'))
        && std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// The checksum of a line.
fn crc32c(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// The CRC-32C of RFC 3720 §12.1.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The first line: what the file is, and the version of its lines.
pub(super) const HEADER: &[u8] = b"understudy state journal 1\n";

/// The longest key, in octets.
pub const MAX_KEY: usize = 1 << 12;

/// The longest value, in octets.
pub const MAX_VALUE: usize = 1 << 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720_appendix_b_4() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn json_is_written_as_it_is_and_anything_else_in_base64() {
        for (value, text) in [
            (Some(br#"{"b":1, "a":[]}"#.as_slice()), r#"{"key":"k\n","value":{"b":1, "a":[]}}"#),
            (Some(b"1,\"key\":2"), r#"{"key":"k\n","base64":"MSwia2V5Ijoy"}"#),
            (Some(b"[1,\n2]"), r#"{"key":"k\n","base64":"WzEsCjJd"}"#),
            (Some(b"\"\xff\""), r#"{"key":"k\n","base64":"Iv8i"}"#),
            (Some(b""), r#"{"key":"k\n","base64":""}"#),
            (None, r#"{"key":"k\n"}"#),
        ] {
            let mut line = Vec::new();
            write(&mut line, "k\n", value);
            assert_eq!(std::str::from_utf8(&line[9..]).unwrap(), format!("{text}\n"));
            let change = read(line.strip_suffix(b"\n").unwrap()).unwrap();
            assert_eq!((change.key.as_str(), change.value.as_deref()), ("k\n", value));
        }
    }
}

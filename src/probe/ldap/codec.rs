//! The messages of LDAP that the check needs (RFC 4511 §4). Pure.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::probe::ber::{self, Element};

/// One message of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LdapMessage {
    /// The answer to our search is over.
    Done(LdapResult),
    /// The server ends the connection (RFC 4511 §4.4.1).
    Notice(LdapResult),
    /// An entry, a reference, or an answer to somebody else.
    Other,
}

/// What it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapResult {
    /// The code (RFC 4511 appendix A).
    pub code: u32,
    /// What the server says of it.
    pub text: String,
}

/// Makes the search for the root DSE: base "", this object alone, no attributes (RFC 4512 §5.1, RFC 4511 §4.5.1.8).
pub fn search() -> Vec<u8> {
    let filter = ber::element(0x87, &[b"objectClass"]);
    let attributes = ber::element(0x30, &[&ber::element(0x04, &[b"1.1"])]);
    // Base, scope base, no aliases, one entry, 5 s, values too.
    let begin = b"\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x01\x02\x01\x05\x01\x01\x00";
    let request = ber::element(0x63, &[begin, &filter, &attributes]);
    ber::element(0x30, &[OUR_ID, &request])
}

/// The request to unbind, which is the farewell (RFC 4511 §4.3).
pub const UNBIND: &[u8] = b"\x30\x05\x02\x01\x02\x42\x00";

/// Reads the first message, and how long it is; nothing: it is not whole.
///
/// # Errors
/// What the octets are, if no message.
pub fn read(octets: &[u8]) -> Result<Option<(LdapMessage, usize)>, String> {
    let no_message = || "no LDAP message".to_owned();
    // Told by the first octet: another protocol may seem to announce a length that never comes.
    if octets.first().is_some_and(|tag| *tag != 0x30) {
        return Err(no_message());
    }
    let Some((message, rest)) = ber::read(octets).map_err(|_| no_message())? else { return Ok(None) };
    let mut parts = ber::elements(message.content);
    let (Some(id), Some(operation)) = (parts.next(), parts.next()) else { return Err(no_message()) };
    let id = Some(id).filter(|id| id.tag == 0x02).and_then(|id| ber::number(id.content)).ok_or_else(no_message)?;
    let message = match (id, operation.tag) {
        (1, 0x65) => LdapMessage::Done(result(&operation).ok_or_else(no_message)?),
        (0, 0x78) => LdapMessage::Notice(result(&operation).ok_or_else(no_message)?),
        _ => LdapMessage::Other,
    };
    Ok(Some((message, octets.len().saturating_sub(rest.len()))))
}

fn result(operation: &Element<'_>) -> Option<LdapResult> {
    let mut parts = ber::elements(operation.content);
    let code = parts.next().filter(|code| code.tag == 0x0a).and_then(|code| ber::number(code.content))?;
    let text = parts.nth(1).map(|text| String::from_utf8_lossy(text.content).into_owned()).unwrap_or_default();
    Some(LdapResult { code, text })
}

/// The number of our request.
const OUR_ID: &[u8] = b"\x02\x01\x01";

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "what is not there must fail")]
mod tests {
    use super::*;

    #[test]
    fn the_search_is_one_message_of_the_rfc() {
        let written = search();
        let (message, rest) = ber::read(&written).unwrap().unwrap();
        let tags: Vec<u8> = ber::elements(message.content).map(|part| part.tag).collect();
        assert_eq!((tags.as_slice(), rest.len()), (&[0x02, 0x63][..], 0));
        let request = ber::elements(message.content).nth(1).unwrap();
        let tags: Vec<u8> = ber::elements(request.content).map(|part| part.tag).collect();
        assert_eq!(tags, [0x04, 0x0a, 0x0a, 0x02, 0x02, 0x01, 0x87, 0x30]);
    }

    #[test]
    fn ends_notices_and_entries_are_told_apart() {
        // Of slapd 2.5, and with the lengths of Active Directory.
        let done = b"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00";
        let directory = b"\x30\x84\0\0\0\x10\x02\x01\x01\x65\x84\0\0\0\x07\x0a\x01\x34\x04\x00\x04\x00";
        let notice = b"\x30\x0e\x02\x01\x00\x78\x09\x0a\x01\x34\x04\x00\x04\x02no";
        let entry = b"\x30\x09\x02\x01\x01\x64\x04\x04\x00\x30\x00";
        let is = |code, text: &str| LdapResult { code, text: text.to_owned() };
        for (octets, expected) in [
            (&done[..], LdapMessage::Done(is(0, ""))),
            (directory, LdapMessage::Done(is(52, ""))),
            (notice, LdapMessage::Notice(is(52, "no"))),
            (entry, LdapMessage::Other),
        ] {
            assert_eq!(read(octets), Ok(Some((expected, octets.len()))));
            assert_eq!(read(&octets[..octets.len() - 1]), Ok(None));
        }
        assert!(read(b"HTTP/1.1 400 Bad Request\r\n").is_err());
    }
}

//! The messages of Kerberos that the check needs (RFC 4120 §5, RFC 3244 §2). Pure.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::probe::ber;

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KerberosService {
    /// The server that gives tickets.
    #[default]
    Tickets,
    /// The server that changes passwords.
    Passwords,
}

impl KerberosService {
    /// Returns the one of a name in a `check` or a URL.
    pub(super) fn named(word: &str) -> Self {
        if word == "kpasswd" { Self::Passwords } else { Self::Tickets }
    }
}

/// What a server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KerberosReply {
    /// It takes part: a ticket, or an answer to a change of passwords.
    Reply,
    /// KRB-ERROR with this code (RFC 4120 §7.5.9).
    Error(u32),
}

/// Makes the question: for a ticket of nobody, in the realm, as RFC 4120 §5.4.1 has it.
pub fn request(service: KerberosService, realm: &str, nonce: u32) -> Vec<u8> {
    let asked = as_request(realm, nonce);
    match service {
        KerberosService::Tickets => asked,
        // The place of the AP-REQ holds something that no server takes for one; an empty KRB-PRIV is behind it.
        KerberosService::Passwords => {
            let private: &[u8] = b"\x75\x00";
            let length = |octets: usize| u16::try_from(octets).unwrap_or(u16::MAX).to_be_bytes();
            let whole = asked.len().saturating_add(private.len()).saturating_add(6);
            [&length(whole)[..], &[0, 1], &length(asked.len()), &asked, private].concat()
        }
    }
}

fn as_request(realm: &str, nonce: u32) -> Vec<u8> {
    let text = |text: &str| ber::element(0x1b, &[text.as_bytes()]);
    let integer = |value: u32| ber::element(0x02, &[&[0], &value.to_be_bytes()]);
    let principal = |kind: u8, names: &[Vec<u8>]| {
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let kind = ber::element(0xa0, &[&[0x02, 0x01, kind]]);
        let names = ber::element(0xa1, &[&ber::element(0x30, &names)]);
        ber::element(0x30, &[&kind, &names])
    };
    let types = ber::element(0x30, &[b"\x02\x01\x12\x02\x01\x11\x02\x01\x14\x02\x01\x13"]);
    let body = ber::element(
        0x30,
        &[
            &ber::element(0xa0, &[b"\x03\x05\0\0\0\0\0"]),
            &ber::element(0xa1, &[&principal(1, &[text("understudy")])]),
            &ber::element(0xa2, &[&text(realm)]),
            &ber::element(0xa3, &[&principal(2, &[text("krbtgt"), text(realm)])]),
            &ber::element(0xa5, &[&ber::element(0x18, &[b"20370913024805Z"])]),
            &ber::element(0xa7, &[&integer(nonce & 0x7fff_ffff)]),
            &ber::element(0xa8, &[&types]),
        ],
    );
    let version = ber::element(0xa1, &[b"\x02\x01\x05"]);
    let kind = ber::element(0xa2, &[b"\x02\x01\x0a"]);
    let body = ber::element(0xa4, &[&body]);
    ber::element(0x6a, &[&ber::element(0x30, &[&version, &kind, &body])])
}

/// Puts the length before a message, as over TCP (RFC 4120 §7.2.2).
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[..], message].concat()
}

/// Finds the message of a stream; nothing: it is not whole.
///
/// # Errors
/// What the octets are, if no message.
pub fn unframed(octets: &[u8]) -> Result<Option<&[u8]>, String> {
    let Some((length, rest)) = octets.split_first_chunk() else { return Ok(None) };
    match usize::try_from(u32::from_be_bytes(*length)) {
        Ok(length @ 1..=MESSAGE_MAX) => Ok(rest.get(..length)),
        Ok(_) | Err(_) => Err("no Kerberos: no length before the message".to_owned()),
    }
}

/// Reads an answer; nothing: it is none.
pub fn read(service: KerberosService, octets: &[u8]) -> Option<KerberosReply> {
    match service {
        KerberosService::Tickets => message(octets),
        KerberosService::Passwords => {
            let (head, rest) = octets.split_first_chunk::<6>()?;
            let [length, _, reply] =
                [[head[0], head[1]], [head[2], head[3]], [head[4], head[5]]].map(u16::from_be_bytes);
            if usize::from(length) != octets.len() {
                // Some answer with the bare error.
                return message(octets);
            }
            if reply == 0 { message(rest) } else { rest.get(..usize::from(reply)).map(|_| KerberosReply::Reply) }
        }
    }
}

fn message(octets: &[u8]) -> Option<KerberosReply> {
    let (outer, _) = ber::read(octets).ok()??;
    let (inner, _) = ber::read(outer.content).ok()??;
    match (outer.tag, inner.tag) {
        (0x6b, 0x30) => Some(KerberosReply::Reply),
        (0x7e, 0x30) => {
            let code = ber::elements(inner.content).find(|part| part.tag == 0xa6)?;
            let (code, _) = ber::read(code.content).ok()??;
            ber::number(code.content).map(KerberosReply::Error)
        }
        _ => None,
    }
}

/// The longest message of a stream, in octets.
pub const MESSAGE_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_an_as_req() {
        let request = request(KerberosService::Tickets, "EXAMPLE.COM", 0xffff_ffff);
        let (outer, rest) = ber::read(&request).unwrap().unwrap();
        assert_eq!((outer.tag, rest.len()), (0x6a, 0));
        let (inner, _) = ber::read(outer.content).unwrap().unwrap();
        let tags: Vec<u8> = ber::elements(inner.content).map(|part| part.tag).collect();
        assert_eq!(tags, [0xa1, 0xa2, 0xa4]);
        assert_eq!(unframed(&framed(&request)), Ok(Some(request.as_slice())));
    }

    #[test]
    fn errors_and_tickets_are_read_and_all_else_is_not() {
        let error = ber::element(0x7e, &[&ber::element(0x30, &[b"\xa0\x03\x02\x01\x05\xa6\x03\x02\x01\x06"])]);
        let ticket = ber::element(0x6b, &[&ber::element(0x30, &[])]);
        let framed = [&[0, u8::try_from(error.len()).unwrap() + 6, 0, 1, 0, 0][..], &error].concat();
        let (tickets, passwords) = (KerberosService::Tickets, KerberosService::Passwords);
        assert_eq!(read(tickets, &error), Some(KerberosReply::Error(6)));
        assert_eq!(read(tickets, &ticket), Some(KerberosReply::Reply));
        assert_eq!(read(passwords, &framed), Some(KerberosReply::Error(6)));
        assert_eq!(read(passwords, &error), Some(KerberosReply::Error(6)));
        assert_eq!(
            (read(tickets, b"SSH-2.0-x"), read(passwords, b"SSH-2.0-x"), read(tickets, b"")),
            (None, None, None)
        );
    }
}

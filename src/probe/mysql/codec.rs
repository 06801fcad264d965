//! The packets of the MySQL protocol that come before a login. Pure.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// One packet of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MysqlPacket {
    /// Its number, which the answer's follows.
    pub number: u8,
    /// What it is.
    pub kind: MysqlPacketKind,
}

/// What a packet of the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MysqlPacketKind {
    /// The greeting, with the version of the server.
    Greeting(String),
    /// An error, with its code and text.
    Error(u16, String),
    /// It asks for the login in another way.
    Again,
    /// The login went well.
    Ok,
}

/// Reads the greeting, or the error in its place; nothing: it is not whole.
///
/// # Errors
/// What the octets are, if no greeting.
pub fn greeting(octets: &[u8]) -> Result<Option<MysqlPacket>, String> {
    let none = || "no MySQL greeting".to_owned();
    let Some((number, payload)) = packet(octets).ok_or_else(none)? else { return Ok(None) };
    let (first, rest) = payload.split_first().ok_or_else(none)?;
    let kind = match first {
        10 => {
            let end = rest.iter().position(|octet| *octet == 0).ok_or_else(none)?;
            MysqlPacketKind::Greeting(text(rest.get(..end).unwrap_or_default()))
        }
        0xff => error(rest).ok_or_else(none)?,
        _ => return Err(none()),
    };
    Ok(Some(MysqlPacket { number, kind }))
}

/// Reads the answer to the login; nothing: it is not whole.
///
/// # Errors
/// What the octets are, if no answer.
pub fn answer(octets: &[u8]) -> Result<Option<MysqlPacket>, String> {
    let none = || "no answer of MySQL".to_owned();
    let Some((number, payload)) = packet(octets).ok_or_else(none)? else { return Ok(None) };
    let (first, rest) = payload.split_first().ok_or_else(none)?;
    let kind = match first {
        0x00 => MysqlPacketKind::Ok,
        0x01 | 0xfe => MysqlPacketKind::Again,
        0xff => error(rest).ok_or_else(none)?,
        _ => return Err(none()),
    };
    Ok(Some(MysqlPacket { number, kind }))
}

/// Makes the login of a user without name and password, behind a packet of the server.
pub fn login(behind: u8) -> Vec<u8> {
    // PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, LONG_PASSWORD.
    let capabilities: u32 = 0x0000_0200 | 0x0000_8000 | 0x0008_0000 | 0x0000_0001;
    let payload = [
        &capabilities.to_le_bytes()[..],
        &0x0100_0000_u32.to_le_bytes(),
        &[33],
        &[0; 23],
        b"\0\0",
        b"mysql_native_password\0",
    ];
    framed(behind, &payload.concat())
}

/// Makes the empty password in another way of login, behind a packet of the server.
pub fn nothing(behind: u8) -> Vec<u8> {
    framed(behind, &[])
}

/// The farewell of a client that has logged in.
pub const QUIT: &[u8] = b"\x01\0\0\0\x01";

/// Returns number and payload of the first packet; nothing: it is not whole; `None`: it is too long for any that we read.
fn packet(octets: &[u8]) -> Option<Option<(u8, &[u8])>> {
    let Some(([a, b, c, number], rest)) = octets.split_first_chunk() else { return Some(None) };
    let length = usize::try_from(u32::from_le_bytes([*a, *b, *c, 0])).ok()?;
    (1..=PACKET_MAX).contains(&length).then(|| rest.get(..length).map(|payload| (*number, payload)))
}

fn framed(behind: u8, payload: &[u8]) -> Vec<u8> {
    let [a, b, c, _] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[a, b, c, behind.wrapping_add(1)], payload].concat()
}

fn error(rest: &[u8]) -> Option<MysqlPacketKind> {
    let (code, rest) = rest.split_first_chunk()?;
    // Behind `#` stand five octets of SQLSTATE.
    let rest = if rest.first() == Some(&b'#') { rest.get(6..).unwrap_or_default() } else { rest };
    Some(MysqlPacketKind::Error(u16::from_le_bytes(*code), text(rest)))
}

fn text(octets: &[u8]) -> String {
    octets.get(..TEXT_MAX).unwrap_or(octets).escape_ascii().to_string()
}

/// The longest packet that is read, in octets.
pub const PACKET_MAX: usize = 4096;
/// The longest text that is told, in octets.
const TEXT_MAX: usize = 120;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "what is not there must fail")]
mod tests {
    use super::*;
    use MysqlPacketKind::{Again, Error, Greeting, Ok as Well};

    #[test]
    fn greetings_and_errors_of_real_servers_are_read() {
        let whole = b"\x23\0\0\0\n5.5.5-10.11.19-MariaDB-0+deb12u1\0\x03";
        let version = "5.5.5-10.11.19-MariaDB-0+deb12u1".to_owned();
        assert_eq!(greeting(whole), Ok(Some(MysqlPacket { number: 0, kind: Greeting(version) })));
        assert_eq!(greeting(&whole[..20]), Ok(None));
        let blocked = b"\x0b\0\0\0\xff\x69\x04blocked.";
        assert_eq!(greeting(blocked), Ok(Some(MysqlPacket { number: 0, kind: Error(1129, "blocked.".to_owned()) })));
        let denied = b"\x0f\0\0\x02\xff\x15\x04#28000denied";
        assert_eq!(answer(denied), Ok(Some(MysqlPacket { number: 2, kind: Error(1045, "denied".to_owned()) })));
        assert_eq!(answer(b"\x01\0\0\x02\xfe"), Ok(Some(MysqlPacket { number: 2, kind: Again })));
        assert_eq!(answer(b"\x07\0\0\x02\0\0\0\x02\0\0\0"), Ok(Some(MysqlPacket { number: 2, kind: Well })));
        for wrong in [&b"SSH-2.0-OpenSSH\r\n"[..], b"\0\0\0\0", b"\x01\0\0\0\x09"] {
            assert!(greeting(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_login_is_one_packet_behind_the_greeting() {
        let login = login(0);
        assert_eq!((usize::from(login[0]), login[3]), (login.len() - 4, 1));
        assert_eq!(nothing(2), [0, 0, 0, 3]);
    }
}

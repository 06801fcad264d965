//! Types whose later fields depend on earlier ones: IPSECKEY (RFC 4025), AMTRELAY (RFC 8777), HIP (RFC 8005).

use std::fmt::{self, Write};

use data_encoding::{BASE64, HEXUPPER};

use super::super::name;
use super::print::print_name;
use super::problem::Problem;
use super::read::FieldReader;

/// Reads precedence, gateway type, algorithm, gateway and key.
pub(super) fn read_ipseckey(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    let (precedence, kind) = (reader.octet("precedence")?, reader.octet("gateway type")?);
    check_kind(reader, kind)?;
    let algorithm = reader.octet("algorithm")?;
    reader.put(&[precedence, kind, algorithm]);
    read_host(reader, "gateway", kind)?;
    // RFC 4025 §2.6: without an algorithm there is no key.
    if algorithm == 0 && reader.peek().is_none() {
        return Ok(());
    }
    let key = reader.base64("key", true)?;
    reader.put(&key);
    Ok(())
}

/// Reads precedence, discovery bit, relay type and relay.
pub(super) fn read_amtrelay(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    let precedence = reader.octet("precedence")?;
    let optional = reader.number("discovery bit", 1)?;
    let kind = reader.octet("relay type")?;
    check_kind(reader, kind)?;
    reader.put(&[precedence, kind | if optional == 1 { 0x80 } else { 0 }]);
    read_host(reader, "relay", kind)
}

/// Reads algorithm, identity tag, key and servers.
pub(super) fn read_hip(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    let algorithm = reader.octet("algorithm")?;
    let tag = reader.hex("identity tag", false)?;
    let length = u8::try_from(tag.len()).map_err(|_| reader.wrong("the identity tag has more than 255 octets"))?;
    let key = reader.base64("key", false)?;
    let key_length = u16::try_from(key.len()).map_err(|_| reader.wrong("the key has more than 65535 octets"))?;
    if tag.is_empty() || key.is_empty() {
        return Err(reader.wrong("the identity tag or the key is empty"));
    }
    reader.put(&[length, algorithm]);
    reader.put(&key_length.to_be_bytes());
    reader.put(&tag);
    reader.put(&key);
    while reader.peek().is_some() {
        reader.name("rendezvous server")?;
    }
    Ok(())
}

fn check_kind(reader: &FieldReader<'_, '_>, kind: u8) -> Result<(), Problem> {
    if kind <= 3 {
        return Ok(());
    }
    Err(reader.wrong(format!("{kind} is no type of address")).help("0 none, 1 IPv4, 2 IPv6, 3 a name"))
}

fn read_host(reader: &mut FieldReader<'_, '_>, what: &str, kind: u8) -> Result<(), Problem> {
    match kind {
        0 => match reader.word(what)? {
            "." => Ok(()),
            other => Err(reader
                .wrong(format!("the {what} is `{other}` though its type 0 says that there is none"))
                .help("write `.`")),
        },
        1 => reader.ipv4().map(|address| reader.put(&address)),
        2 => reader.ipv6().map(|address| reader.put(&address)),
        _ => reader.name(what),
    }
}

/// Splits behind an address of this kind.
fn take_host(kind: u8, octets: &[u8]) -> Option<(&[u8], &[u8])> {
    match kind {
        0 => octets.split_at_checked(0),
        1 => octets.split_at_checked(4),
        2 => octets.split_at_checked(16),
        3 => name::split_wire(octets),
        _ => None,
    }
}

/// Returns whether octets are IPSECKEY RDATA.
pub(super) fn is_ipseckey(octets: &[u8]) -> bool {
    octets.split_first_chunk::<3>().is_some_and(|(&[_, kind, algorithm], rest)| {
        take_host(kind, rest).is_some_and(|(_, key)| algorithm == 0 || !key.is_empty())
    })
}

/// Returns whether octets are AMTRELAY RDATA.
pub(super) fn is_amtrelay(octets: &[u8]) -> bool {
    octets
        .split_first_chunk::<2>()
        .is_some_and(|(&[_, kind], rest)| take_host(kind & 0x7f, rest).is_some_and(|(_, rest)| rest.is_empty()))
}

/// Returns whether octets are HIP RDATA.
pub(super) fn is_hip(octets: &[u8]) -> bool {
    split_hip(octets).is_some_and(|hip| !hip.tag.is_empty() && !hip.key.is_empty())
}

struct Hip<'a> {
    algorithm: u8,
    tag: &'a [u8],
    key: &'a [u8],
    servers: Vec<&'a [u8]>,
}

fn split_hip(octets: &[u8]) -> Option<Hip<'_>> {
    let (&[length, algorithm, high, low], rest) = octets.split_first_chunk::<4>()?;
    let (tag, rest) = rest.split_at_checked(usize::from(length))?;
    let (key, mut rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
    let mut servers = Vec::new();
    while !rest.is_empty() {
        let (server, behind) = name::split_wire(rest)?;
        servers.push(server);
        rest = behind;
    }
    Some(Hip { algorithm, tag, key, servers })
}

fn print_host(kind: u8, host: &[u8], out: &mut String) -> fmt::Result {
    if let Ok(address) = <[u8; 4]>::try_from(host)
        && kind == 1
    {
        return write!(out, "{}", std::net::Ipv4Addr::from(address));
    }
    if let Ok(address) = <[u8; 16]>::try_from(host)
        && kind == 2
    {
        return write!(out, "{}", std::net::Ipv6Addr::from(address));
    }
    if kind == 0 { out.write_char('.') } else { print_name(host, out) }
}

/// Prints IPSECKEY RDATA.
pub(super) fn print_ipseckey(octets: &[u8], out: &mut String) -> fmt::Result {
    let (&[precedence, kind, algorithm], rest) = octets.split_first_chunk::<3>().ok_or(fmt::Error)?;
    let (host, key) = take_host(kind, rest).ok_or(fmt::Error)?;
    write!(out, "{precedence} {kind} {algorithm} ")?;
    print_host(kind, host, out)?;
    if key.is_empty() { Ok(()) } else { write!(out, " {}", BASE64.encode(key)) }
}

/// Prints AMTRELAY RDATA.
pub(super) fn print_amtrelay(octets: &[u8], out: &mut String) -> fmt::Result {
    let (&[precedence, kind], host) = octets.split_first_chunk::<2>().ok_or(fmt::Error)?;
    write!(out, "{precedence} {} {} ", kind >> 7, kind & 0x7f)?;
    print_host(kind & 0x7f, host, out)
}

/// Prints HIP RDATA.
pub(super) fn print_hip(octets: &[u8], out: &mut String) -> fmt::Result {
    let hip = split_hip(octets).ok_or(fmt::Error)?;
    write!(out, "{} {} {}", hip.algorithm, HEXUPPER.encode(hip.tag), BASE64.encode(hip.key))?;
    for server in hip.servers {
        out.write_char(' ')?;
        print_name(server, out)?;
    }
    Ok(())
}

//! Parameters of SVCB and HTTPS (RFC 9460 §2), in wire form sorted by key.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use data_encoding::BASE64;

use super::problem::Problem;
use super::read::FieldReader;
use super::token::{Token, quote};

/// Reads parameters up to the end, in any order.
pub(super) fn read(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    let mut parameters: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    while reader.peek().is_some() {
        let token = reader.next("parameter")?;
        let (key, value) = split_parameter(&token).ok_or_else(|| {
            reader.wrong(format!("{} is no parameter", token.shown())).help("key=value, or key=\"value\"")
        })?;
        let number = key_number(key).ok_or_else(|| {
            reader
                .wrong(format!("the parameter key `{key}` is not known"))
                .help("write keys of private use as keyNNNNN")
        })?;
        let octets = value_octets(number, key, value).map_err(|message| reader.wrong(message))?;
        if parameters.insert(number, octets).is_some() {
            return Err(reader.wrong(format!("the parameter {key} is given twice")));
        }
    }
    let mut octets = Vec::new();
    for (number, value) in &parameters {
        octets.extend_from_slice(&number.to_be_bytes());
        let length = u16::try_from(value.len()).map_err(|_| reader.wrong("the parameters are too long"))?;
        octets.extend_from_slice(&length.to_be_bytes());
        octets.extend_from_slice(value);
    }
    if let Some(fault) = fault(&parameters.iter().map(|(key, value)| (*key, value.as_slice())).collect::<Vec<_>>()) {
        return Err(reader.wrong(fault));
    }
    reader.put(&octets);
    Ok(())
}

/// Splits `key=value` and takes the value's quotes away.
fn split_parameter<'a>(token: &Token<'a>) -> Option<(&'a str, Option<&'a [u8]>)> {
    if token.quoted {
        return None;
    }
    let text = token.text;
    let Some(at) = text.iter().position(|octet| *octet == b'=') else {
        return Some((std::str::from_utf8(text).ok()?, None));
    };
    let (key, value) = (text.get(..at)?, text.get(at + 1..)?);
    let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    Some((std::str::from_utf8(key).ok()?, Some(value)))
}

fn key_number(key: &str) -> Option<u16> {
    if let Some(number) = KEYS.iter().position(|known| *known == key) {
        return u16::try_from(number).ok();
    }
    let digits = key.strip_prefix("key")?;
    let plain = digits.bytes().all(|octet| octet.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    // 65535 is reserved (RFC 9460 §14.3.2).
    digits.parse().ok().filter(|number| plain && *number != u16::MAX)
}

/// Reads a value as its key wants it; keys written as numbers take plain octets.
fn value_octets(number: u16, key: &str, value: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    if let Some(text) = value {
        let token = Token { text, quoted: true, mixed: false };
        token.decode(&mut octets).ok_or_else(|| format!("bad escape in {}", token.shown()))?;
    }
    if key.starts_with("key") {
        return Ok(octets);
    }
    let text = || String::from_utf8_lossy(&octets).into_owned();
    let fault = |what: &str| format!("the value of {key}, `{}`, is no {what}", text());
    match number {
        MANDATORY => {
            let keys: Option<Vec<u16>> = text().split(',').map(key_number).collect();
            let mut keys = keys.ok_or_else(|| fault("list of keys"))?;
            keys.sort_unstable();
            Ok(keys.iter().flat_map(|key| key.to_be_bytes()).collect())
        }
        ALPN => alpn(&octets).ok_or_else(|| fault("list of protocols")),
        PORT => {
            let plain = octets.iter().all(u8::is_ascii_digit);
            let port: Option<u16> = text().parse().ok().filter(|_| plain);
            Ok(port.ok_or_else(|| fault("port"))?.to_be_bytes().to_vec())
        }
        IPV4HINT => {
            let addresses: Option<Vec<_>> = text().split(',').map(|one| one.parse::<Ipv4Addr>().ok()).collect();
            Ok(addresses.ok_or_else(|| fault("list of IPv4 addresses"))?.iter().flat_map(Ipv4Addr::octets).collect())
        }
        IPV6HINT => {
            let addresses: Option<Vec<_>> = text().split(',').map(|one| one.parse::<Ipv6Addr>().ok()).collect();
            Ok(addresses.ok_or_else(|| fault("list of IPv6 addresses"))?.iter().flat_map(Ipv6Addr::octets).collect())
        }
        ECH => BASE64.decode(&octets).map_err(|_| fault("base64")),
        _ => Ok(octets),
    }
}

/// RFC 9460 appendix A.1: items parted by commas; `\,` and `\\` stand for themselves.
fn alpn(octets: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut item) = (Vec::new(), Vec::new());
    let mut close = |item: &mut Vec<u8>| {
        out.push(u8::try_from(item.len()).ok().filter(|length| *length > 0)?);
        out.append(item);
        Some(())
    };
    let mut rest = octets.iter().copied();
    while let Some(octet) = rest.next() {
        match octet {
            b',' => close(&mut item)?,
            b'\\' => item.push(rest.next().filter(|next| matches!(next, b',' | b'\\'))?),
            other => item.push(other),
        }
    }
    close(&mut item)?;
    Some(out)
}

/// Returns whether keys ascend, values fit their keys, and what is mandatory is there.
pub(super) fn is_wellformed(octets: &[u8]) -> bool {
    split(octets).is_some_and(|parameters| {
        parameters.windows(2).all(|pair| pair[0].0 < pair[1].0) && fault(&parameters).is_none()
    })
}

fn split(octets: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut rest = octets;
    let mut parameters = Vec::new();
    while !rest.is_empty() {
        let (&[a, b, c, d], behind) = rest.split_first_chunk::<4>()?;
        let (value, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
        parameters.push((u16::from_be_bytes([a, b]), value));
        rest = behind;
    }
    Some(parameters)
}

/// Says what is wrong with parameters as a whole.
fn fault(parameters: &[(u16, &[u8])]) -> Option<String> {
    let has = |key: u16| parameters.iter().any(|(known, _)| *known == key);
    for &(key, value) in parameters {
        let shape = match key {
            MANDATORY => value.len() % 2 == 0 && !value.is_empty() && value.chunks_exact(2).is_sorted_by(|a, b| a < b),
            ALPN => items(value).is_some_and(|items| !items.is_empty() && items.iter().all(|item| !item.is_empty())),
            NO_DEFAULT_ALPN | OHTTP => value.is_empty(),
            PORT => value.len() == 2,
            IPV4HINT => value.len() % 4 == 0 && !value.is_empty(),
            IPV6HINT => value.len() % 16 == 0 && !value.is_empty(),
            ECH => !value.is_empty(),
            // RFC 9461 §5: a relative URI template with the variable `dns`.
            DOHPATH => std::str::from_utf8(value).is_ok_and(|path| path.starts_with('/') && path.contains("dns}")),
            u16::MAX => false,
            _ => true,
        };
        if !shape {
            return Some(format!("the value of {} is not of its form", key_word(key)));
        }
        if key == MANDATORY {
            let mut keys = value.chunks_exact(2).map(|key| u16::from_be_bytes([key[0], key[1]]));
            if let Some(missing) = keys.find(|key| *key == MANDATORY || !has(*key)) {
                // RFC 9460 §8.
                return Some(match missing {
                    MANDATORY => "mandatory cannot list itself".to_owned(),
                    other => format!("mandatory lists {}, which is not there", key_word(other)),
                });
            }
        }
    }
    // RFC 9460 §7.1.1.
    (has(NO_DEFAULT_ALPN) && !has(ALPN)).then(|| "no-default-alpn needs alpn beside it".to_owned())
}

fn items(octets: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = octets;
    let mut items = Vec::new();
    while let Some((&length, behind)) = rest.split_first() {
        let (item, behind) = behind.split_at_checked(usize::from(length))?;
        items.push(item);
        rest = behind;
    }
    Some(items)
}

fn key_word(key: u16) -> String {
    KEYS.get(usize::from(key)).map_or_else(|| format!("key{key}"), |word| (*word).to_owned())
}

/// Prints the parameters with a blank between them.
pub(super) fn print(octets: &[u8], out: &mut String) -> fmt::Result {
    for (number, (key, value)) in split(octets).ok_or(fmt::Error)?.into_iter().enumerate() {
        let space = if number > 0 { " " } else { "" };
        write!(out, "{space}{}", key_word(key))?;
        let list = |size: usize, one: &dyn Fn(&[u8]) -> String| {
            value.chunks_exact(size).map(one).collect::<Vec<_>>().join(",")
        };
        match key {
            MANDATORY => write!(out, "={}", list(2, &|key| key_word(u16::from_be_bytes([key[0], key[1]]))))?,
            ALPN => print_alpn(value, out)?,
            PORT => write!(out, "={}", list(2, &|port| u16::from_be_bytes([port[0], port[1]]).to_string()))?,
            IPV4HINT => write!(out, "={}", list(4, &|a| Ipv4Addr::new(a[0], a[1], a[2], a[3]).to_string()))?,
            IPV6HINT => {
                let address =
                    |octets: &[u8]| <[u8; 16]>::try_from(octets).map(Ipv6Addr::from).unwrap_or(Ipv6Addr::UNSPECIFIED);
                write!(out, "={}", list(16, &|a| address(a).to_string()))?;
            }
            ECH => write!(out, "={}", BASE64.encode(value))?,
            _ if value.is_empty() => {}
            _ => {
                out.push('=');
                quote(value, out)?;
            }
        }
    }
    Ok(())
}

fn print_alpn(value: &[u8], out: &mut String) -> fmt::Result {
    let mut list = Vec::new();
    for (number, item) in items(value).ok_or(fmt::Error)?.into_iter().enumerate() {
        if number > 0 {
            list.push(b',');
        }
        for &octet in item {
            if matches!(octet, b',' | b'\\') {
                list.push(b'\\');
            }
            list.push(octet);
        }
    }
    out.push('=');
    quote(&list, out)
}

/// The words for keys, by number (RFC 9460 §14.3.2, RFC 9461, RFC 9540).
const KEYS: [&str; 9] =
    ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"];
const MANDATORY: u16 = 0;
const ALPN: u16 = 1;
const NO_DEFAULT_ALPN: u16 = 2;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6HINT: u16 = 6;
const DOHPATH: u16 = 7;
const OHTTP: u16 = 8;

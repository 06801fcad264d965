//! From RDATA to text that reads back as the same octets.

use std::fmt::{self, Write};

use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXUPPER};

use super::super::name;
use super::token::quote;
use super::{Field, Rtype, apl, bitmap, fields, key, loc, mnemonic, parts, svc, wks};
use crate::base::clock::UnixTime;

/// Prints RDATA as its type's fields, else as RFC 3597 §5 has it.
pub(in crate::zone) fn print(rtype: Rtype, rdata: &[u8], out: &mut String) {
    let begin = out.len();
    if print_fields(rtype, rdata, out).is_err() {
        out.truncate(begin);
        out.push_str(&format!("\\# {}", rdata.len()));
        if !rdata.is_empty() {
            out.push(' ');
            out.push_str(&HEXUPPER.encode(rdata));
        }
    }
}

fn print_fields(rtype: Rtype, rdata: &[u8], out: &mut String) -> fmt::Result {
    let fields = fields(rtype).ok_or(fmt::Error)?;
    let parts = parts(fields, rdata).ok_or(fmt::Error)?;
    for (number, (field, part)) in fields.iter().zip(parts).enumerate() {
        let before = out.len();
        if number > 0 {
            out.push(' ');
        }
        let begin = out.len();
        print_field(*field, part, out)?;
        if out.len() == begin {
            // A field that may be left out, left out.
            out.truncate(before);
        }
    }
    Ok(())
}

fn print_field(field: Field, part: &[u8], out: &mut String) -> fmt::Result {
    match field {
        Field::Name(_) => print_name(part, out),
        Field::U8(_) | Field::U16(_) | Field::U32(_) | Field::Seconds(_) | Field::Algorithm | Field::CertType => {
            write!(out, "{}", number(part))
        }
        Field::Scheme => match mnemonic::word(mnemonic::SCHEMES, number(part)) {
            Some(word) => out.write_str(word),
            None => write!(out, "{}", number(part)),
        },
        Field::Moment(_) => {
            let moment = UnixTime::from_secs(number(part)).to_string();
            out.extend(moment.chars().filter(char::is_ascii_digit));
            Ok(())
        }
        Field::Type => write!(out, "{}", Rtype(u16::try_from(number(part)).map_err(|_| fmt::Error)?)),
        Field::Ipv4 => write!(out, "{}", std::net::Ipv4Addr::from(<[u8; 4]>::try_from(part).map_err(|_| fmt::Error)?)),
        Field::Ipv6 => write!(out, "{}", std::net::Ipv6Addr::from(<[u8; 16]>::try_from(part).map_err(|_| fmt::Error)?)),
        Field::Text(_) | Field::Texts | Field::OptionalText(_) => print_texts(part, out),
        Field::LongText(_) | Field::Uri => quote(part, out),
        Field::Tag => out.write_str(std::str::from_utf8(part.get(1..).unwrap_or_default()).map_err(|_| fmt::Error)?),
        Field::Hex(_) => out.write_str(&HEXUPPER.encode(part)),
        Field::Base64(_) | Field::OptionalBase64(_) => out.write_str(&BASE64.encode(part)),
        Field::DashBase64(_) | Field::Salt if part.len() <= usize::from(field == Field::Salt) => out.write_char('-'),
        Field::DashBase64(_) => out.write_str(&BASE64.encode(part)),
        Field::Salt => out.write_str(&HEXUPPER.encode(part.get(1..).unwrap_or_default())),
        Field::NextHash => out.write_str(&BASE32HEX_NOPAD.encode(part.get(1..).unwrap_or_default())),
        Field::Bitmap => {
            let words: Vec<String> = bitmap::types(part).iter().map(Rtype::to_string).collect();
            out.write_str(&words.join(" "))
        }
        Field::SvcParams => svc::print(part, out),
        Field::Location => loc::print(part, out),
        Field::Prefixes => apl::print(part, out),
        Field::Nsap => write!(out, "0x{}", HEXUPPER.encode(part)),
        Field::Eui(_) => {
            let groups: Vec<String> = part.iter().map(|octet| format!("{octet:02x}")).collect();
            out.write_str(&groups.join("-"))
        }
        Field::Node64 => {
            let groups: Vec<String> = part.chunks_exact(2).map(|pair| format!("{:04x}", number(pair))).collect();
            out.write_str(&groups.join(":"))
        }
        Field::Services => wks::print(part, out),
        Field::IpsecKey => key::print_ipseckey(part, out),
        Field::Relay => key::print_amtrelay(part, out),
        Field::HostIdentity => key::print_hip(part, out),
    }
}

/// Prints an absolute wire name.
pub(super) fn print_name(wire: &[u8], out: &mut String) -> fmt::Result {
    let name = super::super::Name::from_wire(wire).map_err(|_: name::NameError| fmt::Error)?;
    write!(out, "{name}")
}

fn print_texts(part: &[u8], out: &mut String) -> fmt::Result {
    let mut rest = part;
    while let Some((&length, behind)) = rest.split_first() {
        let (text, behind) = behind.split_at_checked(usize::from(length)).ok_or(fmt::Error)?;
        if rest.len() < part.len() {
            out.push(' ');
        }
        quote(text, out)?;
        rest = behind;
    }
    Ok(())
}

fn number(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet))
}

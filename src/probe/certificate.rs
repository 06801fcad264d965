//! Reads what is worth telling from a certificate.

use std::net::IpAddr;

use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::Certificate;
use crate::base::clock::UnixTime;

/// A certificate with the dates that decide.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// What is told.
    pub(super) told: Certificate,
    /// From when it is valid.
    pub(super) not_before: UnixTime,
}

/// Reads a certificate; nothing if it is none that we understand.
pub(super) fn read(der: &[u8], now: UnixTime) -> Option<Leaf> {
    let certificate = X509::from_der(der).ok()?;
    let body = certificate.tbs_certificate();
    let not_before = UnixTime::from_secs(body.validity().not_before.to_unix_duration().as_secs());
    let not_after = UnixTime::from_secs(body.validity().not_after.to_unix_duration().as_secs());
    let names = match body.get_extension::<SubjectAltName>() {
        Ok(Some((_, names))) => names.0.iter().filter_map(name).take(NAMES_MAX).collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    let told = Certificate {
        names,
        not_after,
        days_left: days(now, not_after),
        issuer: printable(&body.issuer().to_string()),
    };
    Some(Leaf { told, not_before })
}

/// Returns whole days from one point to another, rounded down: negative from the second that `to` lies before `from`.
fn days(from: UnixTime, to: UnixTime) -> i64 {
    let secs = |at: UnixTime| i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    secs(to).saturating_sub(secs(from)).div_euclid(86_400)
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(printable(name.as_ref())),
        GeneralName::UniformResourceIdentifier(uri) => Some(printable(uri.as_ref())),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        GeneralName::OtherName(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => None,
    }
}

/// Makes foreign text fit for terminals and logs: control characters are escaped, and what is too long is cut.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for letter in text.chars() {
        if printable.len() >= TEXT_MAX {
            printable.push('…');
            break;
        }
        if letter.is_control() { printable.extend(letter.escape_default()) } else { printable.push(letter) }
    }
    printable
}

/// The longest text that is kept of a name, in octets.
const TEXT_MAX: usize = 256;
/// The most names that are kept of one certificate.
const NAMES_MAX: usize = 32;

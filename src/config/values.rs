//! Reads the values that are specific to one key: `ttl`, `min-up`, `failback`, `resolver`, `references`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use toml::de::DeValue;

use crate::base::duration;
use crate::keys::values::{Read, Shown, address, host, integer, name, quoted};
use crate::policy::{Failback, Need};
use crate::zone::Name;

/// A witness: `tcp://ADDRESS:PORT` or `tls://ADDRESS:PORT/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where to.
    pub address: SocketAddr,
    /// The certificate's name; nothing: a TCP connect is enough.
    pub tls_name: Option<String>,
}

/// A member of a tier that is written out: an address, or the name that an alias leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierMember<T> {
    /// The address or the name.
    pub value: T,
    /// `weight`
    pub weight: Option<u16>,
}

/// Who resolves the hosts outside of the zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// This server.
    Server(SocketAddr),
    /// The servers that a resolv.conf(5) names.
    File(PathBuf),
}

impl FromStr for Resolver {
    type Err = String;

    /// Reads an address with a port, or the path of a resolv.conf(5).
    fn from_str(text: &str) -> Read<Self> {
        if let Ok(server) = text.parse() {
            return Ok(Self::Server(server));
        }
        let is_path = text.contains(['/', '.']) && !text.contains('\0') && text.parse::<IpAddr>().is_err();
        let wanted = "an address with a port, such as \"127.0.0.1:53\", or the path of a resolv.conf";
        if is_path { Ok(Self::File(PathBuf::from(text))) } else { Err(wanted.to_owned()) }
    }
}

impl Default for Resolver {
    fn default() -> Self {
        Self::File(PathBuf::from("/etc/resolv.conf"))
    }
}

/// Reads a TTL: seconds, or a duration of whole seconds.
pub fn ttl(value: &DeValue<'_>) -> Read<u32> {
    let wanted = || "a TTL of 1 to 2147483647 seconds, such as 30 or \"5m\"".to_owned();
    // RFC 2181 §8: a TTL has 31 bits.
    let most = u32::from(u16::MAX) << 15 | 0x7fff;
    if let Some(span) = value.as_str() {
        let span = duration::read(span).filter(|span| span.subsec_nanos() == 0);
        let secs = span.and_then(|span| u32::try_from(span.as_secs()).ok());
        return secs.filter(|secs| (1..=most).contains(secs)).ok_or_else(wanted);
    }
    integer(1, most)(value).map_err(|_| wanted())
}

/// Reads `min-up`: a count, or a share such as `"50%"`.
pub fn need(value: &DeValue<'_>) -> Read<Need> {
    let wanted = || "a count such as 2, or a share of the weight from \"1%\" to \"100%\"".to_owned();
    if let Some(text) = value.as_str() {
        let percent = text.strip_suffix('%').and_then(|digits| digits.parse::<u8>().ok());
        let percent = percent.filter(|percent| (1..=100).contains(percent) && !text.starts_with('+'));
        return percent.map(|percent| Need::Share(f64::from(percent) / 100.0)).ok_or_else(wanted);
    }
    integer(1, 65_535)(value).map(Need::Count).map_err(|_| wanted())
}

/// Reads `failback`.
pub fn failback(value: &DeValue<'_>) -> Read<Failback> {
    let wanted = || "\"auto\", \"manual\" or \"window HH:MM-HH:MM\" (UTC, two different times)".to_owned();
    match value.as_str() {
        Some("auto") => Ok(Failback::Auto),
        Some("manual") => Ok(Failback::Manual),
        Some(text) => text.strip_prefix("window ").and_then(window).ok_or_else(wanted),
        None => Err(wanted()),
    }
}

/// Reads an address in a tier, with or without its weight.
pub fn weighted_address(value: &DeValue<'_>) -> Read<TierMember<IpAddr>> {
    weighted(
        value,
        address,
        "an address, such as \"192.0.2.1\", or one with its weight, such as \"192.0.2.1 weight 3\"",
    )
}

/// Reads a name in a tier, with or without its weight.
pub fn weighted_name(value: &DeValue<'_>) -> Read<TierMember<Name>> {
    let wanted =
        "a domain name, such as \"lb1.example.net\", or one with its weight, such as \"lb1.example.net weight 3\"";
    weighted(value, name, wanted)
}

fn weighted<T>(value: &DeValue<'_>, read: fn(&DeValue<'_>) -> Read<T>, wanted: &str) -> Read<TierMember<T>> {
    let refuse = |_| format!("{wanted}; a weight is a number from 1 to {}", u16::MAX);
    let text = value.as_str().ok_or_else(|| refuse(String::new()))?;
    let (text, weight) = match text.split_once(" weight ") {
        None => (text, None),
        Some((text, digits)) => {
            let weight = digits.parse::<u16>().ok().filter(|weight| *weight > 0 && !digits.starts_with('+'));
            (text, Some(weight.ok_or_else(|| refuse(String::new()))?))
        }
    };
    Ok(TierMember { value: read(&DeValue::String(text.into())).map_err(refuse)?, weight })
}

/// Reads `resolver`.
pub fn resolver(value: &DeValue<'_>) -> Read<Resolver> {
    value.as_str().unwrap_or_default().parse()
}

/// Reads a witness.
pub fn reference(value: &DeValue<'_>) -> Read<Reference> {
    let wanted = || "witnesses such as \"tcp://192.0.2.1:53\" or \"tls://192.0.2.1:443/www.example.com\"".to_owned();
    let text = value.as_str().ok_or_else(wanted)?;
    let (kind, rest) = text.split_once("://").ok_or_else(wanted)?;
    let (address, tls_name) = match (kind, rest.split_once('/')) {
        ("tcp", None) => (rest, None),
        ("tls", Some((address, name))) => (address, Some(host(&DeValue::String(name.into()))?)),
        _ => return Err(wanted()),
    };
    let address: SocketAddr = address.parse().map_err(|_| wanted())?;
    if address.port() == 0 { Err(wanted()) } else { Ok(Reference { address, tls_name }) }
}

impl Shown for Need {
    fn shown(&self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Share(share) => quoted(format_args!("{}%", share * 100.0)),
        }
    }
}

impl Shown for Failback {
    fn shown(&self) -> String {
        match self {
            Self::Auto => quoted("auto"),
            Self::Manual => quoted("manual"),
            Self::Window { from, to } => {
                let time = |minutes: &u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
                quoted(format_args!("window {}-{}", time(from), time(to)))
            }
        }
    }
}

impl Shown for Resolver {
    fn shown(&self) -> String {
        match self {
            Self::Server(server) => quoted(server),
            Self::File(path) => quoted(path.display()),
        }
    }
}

impl Shown for Reference {
    fn shown(&self) -> String {
        match &self.tls_name {
            Some(name) => quoted(format_args!("tls://{}/{name}", self.address)),
            None => quoted(format_args!("tcp://{}", self.address)),
        }
    }
}

fn window(text: &str) -> Option<Failback> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minutes(from)?, minutes(to)?);
    (from != to).then_some(Failback::Window { from, to })
}

/// Reads `HH:MM`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, most: u16| {
        let plain = digits.len() == 2 && digits.bytes().all(|octet| octet.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|number| plain && *number <= most)
    };
    Some(number(hours, 23)? * 60 + number(minutes, 59)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_two_times_of_day() {
        let read = |text: &str| failback(&DeValue::String(text.into()));
        assert_eq!(read("window 22:00-04:30"), Ok(Failback::Window { from: 1320, to: 270 }));
        assert_eq!(read("auto"), Ok(Failback::Auto));
        for text in ["window 22:00-22:00", "window 24:00-01:00", "window 1:00-02:00", "window 01:00", "never", "window"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ttl_has_31_bits() {
        let read = |text: &'static str| ttl(DeValue::parse(text).unwrap().get_ref());
        assert_eq!(read("30"), Ok(30));
        assert_eq!(read("\"5m\""), Ok(300));
        assert_eq!(read("2147483647"), Ok(2_147_483_647));
        for text in ["0", "2147483648", "-1", "1.5", "\"250ms\"", "true"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_need_is_a_count_or_a_share() {
        let read = |text: &'static str| need(DeValue::parse(text).unwrap().get_ref());
        assert_eq!(read("2"), Ok(Need::Count(2)));
        assert_eq!(read("\"50%\""), Ok(Need::Share(0.5)));
        for text in ["0", "\"0%\"", "\"101%\"", "\"50\"", "\"+5%\"", "0.5"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

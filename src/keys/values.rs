//! Reads single values: durations, addresses, prefixes, names, choices.
//!
//! Each function returns the value, or a description of what the key takes, which completes "it takes …".

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use crate::base::duration;
use crate::base::prefix::IpPrefix;
use crate::zone::Name;

/// A value, or what would be one.
pub type Read<T> = Result<T, String>;

/// A value that the example shows as TOML.
pub trait Shown {
    /// Writes it.
    fn shown(&self) -> String;
}

/// A value that is one of several words.
pub trait Words: Copy + PartialEq + 'static {
    /// The words, each with what it means.
    const WORDS: &'static [(&'static str, Self)];
}

/// Reads an integer within bounds.
pub fn integer<T: TryFrom<u32>>(low: u32, high: u32) -> impl Fn(&DeValue<'_>) -> Read<T> {
    move |value| {
        let number = value.as_integer().and_then(|digits| u32::from_str_radix(digits.as_str(), digits.radix()).ok());
        let fits = number.filter(|number| (low..=high).contains(number)).and_then(|number| T::try_from(number).ok());
        fits.ok_or_else(|| format!("an integer from {low} to {high}"))
    }
}

/// Reads `true` or `false`.
pub fn boolean(value: &DeValue<'_>) -> Read<bool> {
    value.as_bool().ok_or_else(|| "true or false".to_owned())
}

/// Reads a text that is not empty.
pub fn text(value: &DeValue<'_>) -> Read<String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| "a text in quotes".to_owned())
}

/// Reads a text of at most so many octets that is not empty.
pub fn short_text(value: &DeValue<'_>, most: usize) -> Read<String> {
    let text = text(value).ok().filter(|text| text.len() <= most);
    text.ok_or_else(|| format!("a text of 1 to {most} octets"))
}

/// Reads a path.
pub fn path(value: &DeValue<'_>) -> Read<PathBuf> {
    let text = value.as_str().filter(|text| !text.is_empty() && !text.contains('\0'));
    text.map(PathBuf::from).ok_or_else(|| "a path in quotes".to_owned())
}

/// Reads a duration within bounds.
pub fn duration(low: Duration, high: Duration) -> impl Fn(&DeValue<'_>) -> Read<Duration> {
    move |value| {
        let span = value.as_str().and_then(|text| duration_text(text, low, high).ok());
        span.ok_or_else(|| {
            format!("a duration in quotes, such as \"5s\", \"250ms\" or \"1m30s\", {}", bounds(low, high))
        })
    }
}

/// Reads a duration within bounds as it stands on a command line.
///
/// # Errors
/// What would be one.
pub fn duration_text(text: &str, low: Duration, high: Duration) -> Read<Duration> {
    let span = duration::read(text).filter(|span| (low..=high).contains(span));
    span.ok_or_else(|| format!("a duration, such as 5s, 250ms or 1m30s, {}", bounds(low, high)))
}

fn bounds(low: Duration, high: Duration) -> String {
    format!("from {} to {}", duration::write(low), duration::write(high))
}

/// Reads the word for a value.
pub fn word<T: Words>(value: &DeValue<'_>) -> Read<T> {
    choice(T::WORDS)(value)
}

/// Reads one of several words.
pub fn choice<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&DeValue<'_>) -> Read<T> {
    move |value| {
        let found = words.iter().find(|(word, _)| value.as_str() == Some(word));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            quoted.join(" or ")
        })
    }
}

/// Reads an address with a port.
pub fn socket(value: &DeValue<'_>) -> Read<SocketAddr> {
    let socket = value.as_str().and_then(|text| text.parse().ok());
    socket.ok_or_else(|| "an address with a port, such as \"127.0.0.1:5300\" or \"[::1]:5300\"".to_owned())
}

/// Reads an address with or without a port, which is then this one.
pub fn socket_or(port: u16) -> impl Fn(&DeValue<'_>) -> Read<SocketAddr> {
    move |value| socket_text(value.as_str().unwrap_or_default(), port)
}

/// Reads the same as it stands on a command line.
///
/// # Errors
/// What would be one.
pub fn socket_text(text: &str, port: u16) -> Read<SocketAddr> {
    let bare = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).parse().ok();
    let socket = text.parse().ok().or_else(|| Some(SocketAddr::new(bare()?, port)));
    socket.ok_or_else(|| {
        format!(
            "an address with a port, such as \"127.0.0.1:5300\" or \"[::1]:5300\", or one without, which means port {port}"
        )
    })
}

/// Returns whether two addresses cannot be listened at side by side: they are one, or one means all of the machine's.
pub fn excludes(a: SocketAddr, b: SocketAddr) -> bool {
    let all = a.ip().is_unspecified() || b.ip().is_unspecified();
    // 0 is a port of its own each time.
    a.port() == b.port() && a.port() != 0 && a.is_ipv4() == b.is_ipv4() && (all || a.ip() == b.ip())
}

/// Reads an address.
pub fn address(value: &DeValue<'_>) -> Read<IpAddr> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| "an address, such as \"127.0.0.1\" or \"::1\"".to_owned())
}

/// Reads a network.
pub fn network(value: &DeValue<'_>) -> Read<IpPrefix> {
    let wanted = "networks such as \"10.0.0.0/8\" and \"fd00::/8\", or addresses";
    let text = value.as_str().ok_or_else(|| wanted.to_owned())?;
    text.parse().map_err(|error| format!("{wanted}; {error}"))
}

/// Reads a domain name; it is absolute, with or without its final dot.
pub fn name(value: &DeValue<'_>) -> Read<Name> {
    let wanted = "a domain name, such as \"_sip._tcp.example.com\"";
    let text = value.as_str().ok_or_else(|| wanted.to_owned())?;
    text.parse().map_err(|error| format!("{wanted}; this one has an error: {error}"))
}

/// Reads a host name as certificates bear it: without its final dot.
pub fn host(value: &DeValue<'_>) -> Read<String> {
    let name = name(value)?;
    if name.is_root() {
        return Err("a host name, such as \"example.com\"".to_owned());
    }
    Ok(name.to_string().trim_end_matches('.').to_owned())
}

impl<T: Words> Shown for T {
    fn shown(&self) -> String {
        let word = T::WORDS.iter().find(|(_, choice)| choice == self).map_or("", |(word, _)| word);
        quoted(word)
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> String {
        format!("[{}]", self.iter().map(Shown::shown).collect::<Vec<_>>().join(", "))
    }
}

impl Shown for Option<String> {
    fn shown(&self) -> String {
        quoted(self.as_deref().unwrap_or("none"))
    }
}

impl Shown for Duration {
    fn shown(&self) -> String {
        quoted(duration::write(*self))
    }
}

/// Values that are shown as they are displayed.
macro_rules! displayed {
    ($($bare:ty),+; $($quoted:ty),+) => {
        $(impl Shown for $bare { fn shown(&self) -> String { self.to_string() } })+
        $(impl Shown for $quoted { fn shown(&self) -> String { quoted(self) } })+
    };
}

displayed!(bool, u8, u16, u32; SocketAddr, IpPrefix);

/// Writes a text of TOML.
pub fn quoted(text: impl std::fmt::Display) -> String {
    format!("\"{text}\"")
}

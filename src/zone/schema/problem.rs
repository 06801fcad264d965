//! Errors in the text of RDATA.

use super::super::name::NameError;
use super::{Field, Rtype, Token, fields};

/// What is wrong with the text of RDATA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::zone) struct Problem {
    /// The finding's name.
    pub(in crate::zone) id: &'static str,
    /// The number of the token; nothing if one is missing at the end.
    pub(in crate::zone) token: Option<usize>,
    /// What is wrong.
    pub(in crate::zone) message: String,
    /// What would be right.
    pub(in crate::zone) help: Option<String>,
}

impl Problem {
    /// Makes a problem of the token with this number.
    pub(in crate::zone) fn at(token: usize, id: &'static str, message: impl Into<String>) -> Self {
        Self { id, token: Some(token), message: message.into(), help: None }
    }

    /// Makes a problem of what is missing behind the last token.
    pub(in crate::zone) fn behind(id: &'static str, message: impl Into<String>) -> Self {
        Self { id, token: None, message: message.into(), help: None }
    }

    /// Adds what would be right.
    pub(in crate::zone) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Returns whether the text of a name lacks its final dot.
pub(in crate::zone) fn is_relative(text: &[u8]) -> bool {
    let Some(before) = text.strip_suffix(b".") else { return true };
    // A dot behind an odd number of backslashes is an escaped one.
    before.iter().rev().take_while(|&&octet| octet == b'\\').count() % 2 == 1
}

/// Says why a token is no name.
pub(in crate::zone) fn name_problem(what: &str, token: &Token<'_>, error: NameError, at: usize) -> Problem {
    let message = format!("the {what} {} is no name: {error}", token.shown());
    let (id, help) = match error {
        NameError::NotAscii => {
            ("zone-name-ascii", Some("DNS carries the A-label: `xn--` and the punycode of the label (RFC 5890)"))
        }
        NameError::NoOrigin => {
            ("zone-no-origin", Some("write the name in full with its final dot, or an $ORIGIN before it"))
        }
        NameError::EmptyLabel => ("zone-name", Some("one dot between labels, and one at the end of a full name")),
        NameError::LongLabel | NameError::LongName | NameError::BadEscape | NameError::Malformed => ("zone-name", None),
    };
    let problem = Problem::at(at, id, message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// Says what the RDATA of a type looks like.
pub(super) fn shape(rtype: Rtype) -> String {
    let words: Vec<String> = fields(rtype).unwrap_or_default().iter().map(|field| field.word()).collect();
    format!("{rtype} takes: {}", words.join(", "))
}

impl Field {
    /// Returns what to call the field in a message.
    fn word(self) -> String {
        match self {
            Self::Name(what)
            | Self::U8(what)
            | Self::U16(what)
            | Self::U32(what)
            | Self::Seconds(what)
            | Self::Moment(what)
            | Self::Text(what)
            | Self::LongText(what)
            | Self::Hex(what)
            | Self::Base64(what)
            | Self::DashBase64(what) => return what.to_owned(),
            Self::OptionalText(what) | Self::OptionalBase64(what) => return format!("{what} (optional)"),
            Self::Eui(length) => return format!("EUI-{}", length * 8),
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::CertType => "certificate type",
            Self::Scheme => "scheme",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
            Self::Texts => "one or more strings",
            Self::Uri => "URI in quotes",
            Self::Tag => "tag",
            Self::Salt => "salt or `-`",
            Self::NextHash => "next hashed owner",
            Self::Bitmap => "types",
            Self::SvcParams => "parameters as key=value",
            Self::Location => {
                "degrees [minutes [seconds]] N|S, the same with E|W, altitude [size [horizontal [vertical precision]]]"
            }
            Self::Prefixes => "prefixes as [!]family:address/length",
            Self::Nsap => "0x and hexadecimal digits",
            Self::Node64 => "four groups of hexadecimal digits",
            Self::Services => "IPv4 address, protocol, ports",
            Self::IpsecKey => "precedence, gateway type, algorithm, gateway, key",
            Self::Relay => "precedence, discovery bit, relay type, relay",
            Self::HostIdentity => "algorithm, identity tag, key, rendezvous servers",
        }
        .to_owned()
    }
}

//! From tokens to RDATA.

use super::super::name::{self, MAX_NAME};
use super::problem::{Problem, is_relative, name_problem, shape};
use super::{Field, Rtype, Token, apl, bitmap, digest_fault, fields, is_wellformed, key, loc, mnemonic, svc, wks};

/// RDATA as read; kept over records to save allocations.
#[derive(Debug, Default)]
pub(in crate::zone) struct Rdata {
    /// The octets in wire form, names uncompressed.
    pub(in crate::zone) octets: Vec<u8>,
    /// A bit for each of the first 64 tokens: a name that took the origin.
    pub(in crate::zone) relative: u64,
}

/// Reads the RDATA of one record.
///
/// # Errors
/// The first [`Problem`].
pub(in crate::zone) fn read(
    rtype: Rtype,
    tokens: &[Token<'_>],
    origin: Option<&[u8]>,
    rdata: &mut Rdata,
) -> Result<(), Problem> {
    rdata.octets.clear();
    rdata.relative = 0;
    let mixed = tokens.iter().position(|token| token.mixed).filter(|_| !matches!(rtype, Rtype::SVCB | Rtype::HTTPS));
    if let Some(at) = mixed {
        return Err(Problem::at(at, "zone-quotes", format!("a quote inside of {}", tokens[at].shown()))
            .help("put quotes around the whole string, or a backslash before a quote that belongs to it"));
    }
    let mut reader = FieldReader { rtype, tokens, at: 0, origin, rdata };
    if tokens.first().is_some_and(|token| token.text == b"\\#" && !token.quoted) {
        reader.at = 1;
        reader.generic()?;
    } else {
        let Some(fields) = fields(rtype) else {
            return Err(Problem::at(0, "zone-rdata-form", format!("the text form of {rtype} RDATA is not known"))
                .help(r"write it as `\# length hexadecimal-digits` (RFC 3597)"));
        };
        for &field in fields {
            reader.field(field)?;
        }
    }
    if let Some(extra) = reader.peek() {
        let message = format!("{} is too much: the RDATA of {rtype} is complete before it", extra.shown());
        return Err(Problem::at(reader.at, "zone-rdata-extra", message).help(shape(rtype)));
    }
    if let Some(fault) = digest_fault(rtype, &rdata.octets) {
        return Err(Problem::at(tokens.len().saturating_sub(1), "zone-digest-length", fault));
    }
    if rdata.octets.len() > usize::from(u16::MAX) {
        let message = format!("the RDATA has {} octets, more than the 65535 that fit", rdata.octets.len());
        return Err(Problem::at(0, "zone-rdata-length", message));
    }
    Ok(())
}

/// Walks over the tokens of one record's RDATA.
pub(super) struct FieldReader<'t, 'a> {
    rtype: Rtype,
    tokens: &'t [Token<'a>],
    at: usize,
    origin: Option<&'t [u8]>,
    rdata: &'t mut Rdata,
}

impl<'a> FieldReader<'_, 'a> {
    /// Returns the next token without taking it.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    /// Takes the next token, which should be `what`.
    pub(super) fn next(&mut self, what: &str) -> Result<Token<'a>, Problem> {
        let Some(token) = self.peek() else {
            let message = format!("the {what} of this {} record is missing", self.rtype);
            return Err(Problem::behind("zone-rdata-short", message).help(shape(self.rtype)));
        };
        self.at += 1;
        Ok(token)
    }

    /// Makes a problem of the token taken last.
    pub(super) fn wrong(&self, message: impl Into<String>) -> Problem {
        Problem::at(self.at.saturating_sub(1), "zone-rdata", message)
    }

    /// Appends octets.
    pub(super) fn put(&mut self, octets: &[u8]) {
        self.rdata.octets.extend_from_slice(octets);
    }

    /// Takes an unquoted ASCII token.
    pub(super) fn word(&mut self, what: &str) -> Result<&'a str, Problem> {
        let token = self.next(what)?;
        token
            .word()
            .ok_or_else(|| self.wrong(format!("the {what} is {}: it is written plain, without quotes", token.shown())))
    }

    /// Takes a decimal number up to `most`.
    pub(super) fn number(&mut self, what: &str, most: u32) -> Result<u32, Problem> {
        let token = self.next(what)?;
        let digits = token.word().filter(|word| !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit()));
        let Some(digits) = digits else {
            return Err(self
                .wrong(format!("the {what} is {}, which is no number", token.shown()))
                .help(shape(self.rtype)));
        };
        digits.parse().ok().filter(|number| *number <= most).ok_or_else(|| Problem {
            id: "zone-number-range",
            ..self.wrong(format!("the {what} is {digits}, above {most}"))
        })
    }

    /// Takes a decimal number of one octet.
    pub(super) fn octet(&mut self, what: &str) -> Result<u8, Problem> {
        Ok(self.number(what, 255)?.to_be_bytes()[3])
    }

    /// Takes a number or a word that stands for one.
    pub(super) fn number_or_word(&mut self, what: &str, table: &[(&str, u16)], most: u32) -> Result<u32, Problem> {
        let known = self.peek().and_then(|token| token.word()).and_then(|word| mnemonic::number(table, word));
        match known {
            Some(number) => {
                self.at += 1;
                Ok(u32::from(number))
            }
            None => self.number(what, most),
        }
    }

    /// Takes a name.
    pub(super) fn name(&mut self, what: &str) -> Result<(), Problem> {
        let token = self.next(what)?;
        if token.quoted {
            return Err(self.wrong(format!("the {what} is {}: a name is written without quotes", token.shown())));
        }
        let mut wire = [0u8; MAX_NAME];
        let length = name::read(token.text, self.origin, &mut wire)
            .map_err(|error| name_problem(what, &token, error, self.at.saturating_sub(1)))?;
        let number = self.at.saturating_sub(1);
        if number < 64 && token.text != b"@" && is_relative(token.text) {
            self.rdata.relative |= 1 << number;
        }
        self.rdata.octets.extend_from_slice(&wire[..length]);
        Ok(())
    }

    /// Takes an IPv4 address.
    pub(super) fn ipv4(&mut self) -> Result<[u8; 4], Problem> {
        let token = self.next("IPv4 address")?;
        let address = token.word().and_then(|word| word.parse::<std::net::Ipv4Addr>().ok());
        address.map(|address| address.octets()).ok_or_else(|| {
            let problem = self.wrong(format!("{} is no IPv4 address", token.shown()));
            let is_v6 = token.word().is_some_and(|word| word.parse::<std::net::Ipv6Addr>().is_ok());
            problem.help(if is_v6 {
                "an IPv6 address takes the type AAAA"
            } else {
                "four numbers up to 255, such as 192.0.2.1"
            })
        })
    }

    /// Takes an IPv6 address.
    pub(super) fn ipv6(&mut self) -> Result<[u8; 16], Problem> {
        let token = self.next("IPv6 address")?;
        let address = token.word().and_then(|word| word.parse::<std::net::Ipv6Addr>().ok());
        address.map(|address| address.octets()).ok_or_else(|| {
            let problem = self.wrong(format!("{} is no IPv6 address", token.shown()));
            let is_v4 = token.word().is_some_and(|word| word.parse::<std::net::Ipv4Addr>().is_ok());
            problem.help(if is_v4 { "an IPv4 address takes the type A" } else { "such as 2001:db8::1" })
        })
    }

    /// Takes a token's octets, with their length before them if `counted`.
    pub(super) fn string(&mut self, what: &str, counted: bool) -> Result<(), Problem> {
        let token = self.next(what)?;
        let start = self.rdata.octets.len();
        if counted {
            self.rdata.octets.push(0);
        }
        if token.decode(&mut self.rdata.octets).is_none() {
            return Err(Problem { id: "zone-escape", ..self.wrong(format!("bad escape in {}", token.shown())) }
                .help("a backslash takes three decimal digits up to 255, or one other character"));
        }
        if counted {
            let length = self.rdata.octets.len() - start - 1;
            let Ok(length) = u8::try_from(length) else {
                let message = format!("the {what} has {length} octets, more than the 255 of a character string");
                return Err(Problem { id: "zone-string-length", ..self.wrong(message) }
                    .help("split it into several quoted strings; readers of TXT join them"));
            };
            if let Some(first) = self.rdata.octets.get_mut(start) {
                *first = length;
            }
        }
        Ok(())
    }

    /// Takes a `-` that stands for nothing, if it is next.
    pub(super) fn dash(&mut self) -> bool {
        let found = self.peek().is_some_and(|token| token.text == b"-" && !token.quoted);
        self.at += usize::from(found);
        found
    }

    fn field(&mut self, field: Field) -> Result<(), Problem> {
        match field {
            Field::Name(what) => self.name(what),
            Field::U8(what) => self.octet(what).map(|octet| self.put(&[octet])),
            Field::U16(what) => self.number(what, 65_535).map(|number| self.put_u16(number)),
            Field::U32(what) => self.number(what, u32::MAX).map(|number| self.put(&number.to_be_bytes())),
            Field::Seconds(what) => self.seconds(what),
            Field::Moment(what) => self.moment(what),
            Field::Type => self.rtype().map(|rtype| self.put(&rtype.0.to_be_bytes())),
            Field::Algorithm => self
                .number_or_word("algorithm", mnemonic::ALGORITHMS, 255)
                .map(|number| self.put(&number.to_be_bytes()[3..])),
            Field::Scheme => {
                self.number_or_word("scheme", mnemonic::SCHEMES, 255).map(|number| self.put(&number.to_be_bytes()[3..]))
            }
            Field::CertType => {
                self.number_or_word("certificate type", mnemonic::CERT_TYPES, 65_535).map(|number| self.put_u16(number))
            }
            Field::Ipv4 => self.ipv4().map(|address| self.put(&address)),
            Field::Ipv6 => self.ipv6().map(|address| self.put(&address)),
            Field::Text(what) => self.string(what, true),
            Field::OptionalText(_) if self.peek().is_none() => Ok(()),
            Field::OptionalText(what) => self.string(what, true),
            Field::Texts => self.texts(),
            Field::LongText(what) => self.string(what, false),
            Field::Uri => self.uri(),
            Field::Tag => self.tag(),
            Field::Hex(what) => self.hex(what, true).and_then(|octets| self.put_some(what, &octets)),
            Field::Base64(what) => self.base64(what, true).and_then(|octets| self.put_some(what, &octets)),
            Field::OptionalBase64(_) if self.peek().is_none() => Ok(()),
            Field::DashBase64(_) if self.dash() => Ok(()),
            Field::OptionalBase64(what) | Field::DashBase64(what) => {
                self.base64(what, true).map(|octets| self.put(&octets))
            }
            Field::Salt => self.salt(),
            Field::NextHash => self.next_hash(),
            Field::Bitmap => bitmap::read(self),
            Field::SvcParams => svc::read(self),
            Field::Location => loc::read(self),
            Field::Prefixes => apl::read(self),
            Field::Nsap => self.nsap(),
            Field::Eui(length) => self.eui(length),
            Field::Node64 => self.node64(),
            Field::Services => wks::read(self),
            Field::IpsecKey => key::read_ipseckey(self),
            Field::Relay => key::read_amtrelay(self),
            Field::HostIdentity => key::read_hip(self),
        }
    }

    /// Takes a record type.
    pub(super) fn rtype(&mut self) -> Result<Rtype, Problem> {
        let word = self.word("type")?;
        Rtype::parse(word).ok_or_else(|| self.wrong(format!("`{word}` is no record type")))
    }

    fn texts(&mut self) -> Result<(), Problem> {
        self.string("text", true)?;
        while self.peek().is_some() {
            self.string("text", true)?;
        }
        Ok(())
    }

    fn uri(&mut self) -> Result<(), Problem> {
        let before = self.rdata.octets.len();
        self.string("URI", false)?;
        if self.rdata.octets.len() == before { Err(self.wrong("the URI is empty")) } else { Ok(()) }
    }

    fn put_u16(&mut self, number: u32) {
        self.put(&number.to_be_bytes()[2..]);
    }

    fn put_some(&mut self, what: &str, octets: &[u8]) -> Result<(), Problem> {
        if octets.is_empty() {
            return Err(self.wrong(format!("the {what} is empty")));
        }
        self.put(octets);
        Ok(())
    }

    /// RFC 3597 §5: `\#`, the length, hexadecimal digits.
    fn generic(&mut self) -> Result<(), Problem> {
        let length = self.number("length", 65_535)?;
        let octets = if self.peek().is_some() { self.hex("RDATA", true)? } else { Vec::new() };
        if u32::try_from(octets.len()) != Ok(length) {
            let message = format!("the length says {length}, but there are {} octets", octets.len());
            return Err(Problem::at(1, "zone-rdata-length", message));
        }
        if !is_wellformed(self.rtype, &octets) {
            let message = format!("these octets are no {} RDATA", self.rtype);
            return Err(Problem::at(2.min(self.tokens.len() - 1), "zone-rdata", message).help(shape(self.rtype)));
        }
        self.put(&octets);
        Ok(())
    }

    fn tag(&mut self) -> Result<(), Problem> {
        let token = self.next("tag")?;
        let good = !token.text.is_empty() && token.text.iter().all(u8::is_ascii_alphanumeric);
        match u8::try_from(token.text.len()) {
            Ok(length) if good => {
                self.put(&[length]);
                self.put(token.text);
                Ok(())
            }
            _ => Err(self
                .wrong(format!("the tag {} is not made of letters and digits", token.shown()))
                .help("such as issue, issuewild or iodef")),
        }
    }
}

//! From tokens to RDATA.

use data_encoding::{BASE32HEX_NOPAD, BASE64};

use super::super::name::{self, MAX_NAME, NameError};
use super::super::parse::read_ttl;
use super::{Field, Rtype, Token, apl, bitmap, digest_fault, fields, is_wellformed, key, loc, mnemonic, svc, wks};

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
    let mut reader = Reader { rtype, tokens, at: 0, origin, rdata };
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
pub(super) struct Reader<'t, 'a> {
    rtype: Rtype,
    tokens: &'t [Token<'a>],
    at: usize,
    origin: Option<&'t [u8]>,
    rdata: &'t mut Rdata,
}

impl Problem {
    /// Makes a problem of the token with this number.
    pub(super) fn at(token: usize, id: &'static str, message: impl Into<String>) -> Self {
        Self { id, token: Some(token), message: message.into(), help: None }
    }

    /// Adds what would be right.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl<'a> Reader<'_, 'a> {
    /// Returns the next token without taking it.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    /// Takes the next token, which should be `what`.
    pub(super) fn next(&mut self, what: &str) -> Result<Token<'a>, Problem> {
        let Some(token) = self.peek() else {
            let message = format!("the {what} of this {} record is missing", self.rtype);
            return Err(Problem { token: None, ..Problem::at(0, "zone-rdata-short", message) }.help(shape(self.rtype)));
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
        token.word().ok_or_else(|| self.wrong(format!("the {what} is {}: it is written plain, without quotes", token.shown())))
    }

    /// Takes a decimal number up to `most`.
    pub(super) fn number(&mut self, what: &str, most: u32) -> Result<u32, Problem> {
        let token = self.next(what)?;
        let digits = token.word().filter(|word| !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_digit()));
        let Some(digits) = digits else {
            return Err(self.wrong(format!("the {what} is {}, which is no number", token.shown())).help(shape(self.rtype)));
        };
        digits.parse().ok().filter(|number| *number <= most).ok_or_else(|| {
            Problem { id: "zone-number-range", ..self.wrong(format!("the {what} is {digits}, above {most}")) }
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
            problem.help(if is_v6 { "an IPv6 address takes the type AAAA" } else { "four numbers up to 255, such as 192.0.2.1" })
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

    /// Takes hexadecimal digits: all tokens left, or the next.
    pub(super) fn hex(&mut self, what: &str, all: bool) -> Result<Vec<u8>, Problem> {
        let mut digits = Vec::new();
        loop {
            let token = self.next(what)?;
            let good = !token.quoted && token.text.iter().all(u8::is_ascii_hexdigit);
            if !good {
                return Err(self.wrong(format!("{} in the {what} is not hexadecimal", token.shown())));
            }
            digits.extend(token.text.iter().map(u8::to_ascii_uppercase));
            if !all || self.peek().is_none() {
                break;
            }
        }
        data_encoding::HEXUPPER
            .decode(&digits)
            .map_err(|_| self.wrong(format!("the {what} has {} hexadecimal digits, an odd number", digits.len())))
    }

    /// Takes base64: all tokens left, or the next.
    pub(super) fn base64(&mut self, what: &str, all: bool) -> Result<Vec<u8>, Problem> {
        let mut digits = Vec::new();
        loop {
            let token = self.next(what)?;
            let good = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
            if token.quoted || !token.text.iter().all(good) {
                return Err(self.wrong(format!("{} in the {what} is not base64", token.shown())));
            }
            digits.extend_from_slice(token.text);
            if !all || self.peek().is_none() {
                break;
            }
        }
        BASE64.decode(&digits).map_err(|_| self.wrong(format!("the {what} is cut or badly padded base64")))
    }

    fn field(&mut self, field: Field) -> Result<(), Problem> {
        match field {
            Field::Name(what) => return self.name(what),
            Field::U8(what) => {
                let octet = self.octet(what)?;
                self.put(&[octet]);
            }
            Field::U16(what) => {
                let number = self.number(what, 65_535)?;
                self.put_u16(number);
            }
            Field::U32(what) => {
                let number = self.number(what, u32::MAX)?;
                self.put(&number.to_be_bytes());
            }
            Field::Seconds(what) => self.seconds(what)?,
            Field::Moment(what) => self.moment(what)?,
            Field::Type => {
                let word = self.word("type")?;
                let rtype = Rtype::parse(word).ok_or_else(|| self.wrong(format!("`{word}` is no record type")))?;
                self.put(&rtype.0.to_be_bytes());
            }
            Field::Algorithm => {
                let number = self.number_or_word("algorithm", mnemonic::ALGORITHMS, 255)?;
                self.put(&number.to_be_bytes()[3..]);
            }
            Field::CertType => {
                let number = self.number_or_word("certificate type", mnemonic::CERT_TYPES, 65_535)?;
                self.put_u16(number);
            }
            Field::Ipv4 => {
                let address = self.ipv4()?;
                self.put(&address);
            }
            Field::Ipv6 => {
                let address = self.ipv6()?;
                self.put(&address);
            }
            Field::Text(what) => self.string(what, true)?,
            Field::OptionalText(what) => {
                if self.peek().is_some() {
                    self.string(what, true)?;
                }
            }
            Field::Texts => {
                self.string("text", true)?;
                while self.peek().is_some() {
                    self.string("text", true)?;
                }
            }
            Field::LongText(what) => self.string(what, false)?,
            Field::Uri => {
                self.string("URI", false)?;
                if self.rdata.octets.len() <= 4 {
                    return Err(self.wrong("the URI is empty"));
                }
            }
            Field::Tag => self.tag()?,
            Field::Hex(what) => {
                let octets = self.hex(what, true)?;
                self.put_some(what, &octets)?;
            }
            Field::Base64(what) => {
                let octets = self.base64(what, true)?;
                self.put_some(what, &octets)?;
            }
            Field::OptionalBase64(what) => self.optional_base64(what)?,
            Field::DashBase64(what) => self.dash_base64(what)?,
            Field::Salt => self.salt()?,
            Field::NextHash => self.next_hash()?,
            Field::Bitmap => bitmap::read(self)?,
            Field::SvcParams => svc::read(self)?,
            Field::Location => loc::read(self)?,
            Field::Prefixes => apl::read(self)?,
            Field::Nsap => self.nsap()?,
            Field::Eui(length) => self.eui(length)?,
            Field::Node64 => self.node64()?,
            Field::Services => wks::read(self)?,
            Field::IpsecKey => key::read_ipseckey(self)?,
            Field::Relay => key::read_amtrelay(self)?,
            Field::HostIdentity => key::read_hip(self)?,
        }
        Ok(())
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

    pub(super) fn seconds(&mut self, what: &str) -> Result<(), Problem> {
        let token = self.next(what)?;
        let seconds = read_ttl(token.text).filter(|_| !token.quoted);
        let Some(seconds) = seconds else {
            return Err(self.wrong(format!("the {what} is {}, which is no span of time", token.shown()))
                .help("seconds, or numbers with units, such as 1h30m"));
        };
        let seconds = u32::try_from(seconds).map_err(|_| {
            Problem { id: "zone-number-range", ..self.wrong(format!("the {what} is {seconds} s, above {}", u32::MAX)) }
        })?;
        self.put(&seconds.to_be_bytes());
        Ok(())
    }

    fn moment(&mut self, what: &str) -> Result<(), Problem> {
        let word = self.word(what)?;
        let digits = word.bytes().all(|octet| octet.is_ascii_digit());
        let seconds = if digits && word.len() == 14 { seconds_of(word) } else { None };
        let seconds = seconds.or_else(|| word.parse().ok().filter(|_| digits && word.len() <= 10));
        let seconds: u32 = seconds.ok_or_else(|| {
            self.wrong(format!("the {what} `{word}` is no moment")).help("YYYYMMDDHHmmSS in UTC, or seconds since 1970")
        })?;
        self.put(&seconds.to_be_bytes());
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

    fn optional_base64(&mut self, what: &str) -> Result<(), Problem> {
        if self.peek().is_some() {
            let octets = self.base64(what, true)?;
            self.put(&octets);
        }
        Ok(())
    }

    fn dash_base64(&mut self, what: &str) -> Result<(), Problem> {
        if self.peek().is_some_and(|token| token.text == b"-") {
            self.at += 1;
            return Ok(());
        }
        let octets = self.base64(what, true)?;
        self.put(&octets);
        Ok(())
    }

    fn salt(&mut self) -> Result<(), Problem> {
        if self.peek().is_some_and(|token| token.text == b"-") {
            self.at += 1;
            self.put(&[0]);
            return Ok(());
        }
        let octets = self.hex("salt", false)?;
        self.put_counted("salt", &octets)
    }

    fn next_hash(&mut self) -> Result<(), Problem> {
        let word = self.word("next hashed owner")?;
        let octets = BASE32HEX_NOPAD.decode(word.to_ascii_uppercase().as_bytes());
        let octets = octets.map_err(|_| self.wrong(format!("the next hashed owner `{word}` is no base32hex")))?;
        self.put_counted("next hashed owner", &octets)
    }

    pub(super) fn put_counted(&mut self, what: &str, octets: &[u8]) -> Result<(), Problem> {
        let length = u8::try_from(octets.len()).ok().filter(|length| *length > 0);
        let length = length.ok_or_else(|| self.wrong(format!("the {what} has {} octets, not 1 to 255", octets.len())))?;
        self.put(&[length]);
        self.put(octets);
        Ok(())
    }

    fn nsap(&mut self) -> Result<(), Problem> {
        let word = self.word("NSAP address")?;
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let digits = digits.map(|digits| digits.replace('.', "").to_ascii_uppercase());
        let octets = digits.and_then(|digits| data_encoding::HEXUPPER.decode(digits.as_bytes()).ok());
        let octets = octets.filter(|octets| !octets.is_empty());
        let octets = octets.ok_or_else(|| {
            self.wrong(format!("`{word}` is no NSAP address")).help("0x and an even number of hexadecimal digits")
        })?;
        self.put(&octets);
        Ok(())
    }

    fn eui(&mut self, length: usize) -> Result<(), Problem> {
        let word = self.word("EUI address")?;
        let groups: Vec<&str> = word.split('-').collect();
        let two_digits = |group: &&str| group.len() == 2 && group.bytes().all(|octet| octet.is_ascii_hexdigit());
        if groups.len() != length || !groups.iter().all(two_digits) {
            return Err(self
                .wrong(format!("`{word}` is no EUI-{}", length * 8))
                .help(format!("{length} pairs of hexadecimal digits with `-` between them")));
        }
        for group in groups {
            self.put(&[u8::from_str_radix(group, 16).unwrap_or_default()]);
        }
        Ok(())
    }

    fn node64(&mut self) -> Result<(), Problem> {
        let word = self.word("locator")?;
        let groups: Vec<Option<u16>> = word
            .split(':')
            .map(|group| {
                let good = (1..=4).contains(&group.len()) && group.bytes().all(|octet| octet.is_ascii_hexdigit());
                u16::from_str_radix(group, 16).ok().filter(|_| good)
            })
            .collect();
        let [Some(a), Some(b), Some(c), Some(d)] = groups.as_slice() else {
            return Err(self
                .wrong(format!("`{word}` is not four groups of up to four hexadecimal digits"))
                .help("such as 0014:4fff:ff20:ee64"));
        };
        for group in [a, b, c, d] {
            self.put(&group.to_be_bytes());
        }
        Ok(())
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
        NameError::NoOrigin => ("zone-no-origin", Some("write the name in full with its final dot, or an $ORIGIN before it")),
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
fn shape(rtype: Rtype) -> String {
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

/// Reads `YYYYMMDDHHmmSS` in UTC.
fn seconds_of(digits: &str) -> Option<u32> {
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(8..10)?, number(10..12)?, number(12..14)?);
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days_in_month = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1970 || !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1 March 0000, so that a leap day ends its year.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100 + shifted_year / 400
        + (153 * shifted_month + 2) / 5
        + day
        - 719_469;
    u32::try_from(days * 86_400 + hour * 3_600 + minute * 60 + second).ok()
}

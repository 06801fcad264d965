//! Fields written as digits of some base, or as time spans and timestamps.

use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXUPPER};

use super::super::parse::read_ttl;
use super::problem::Problem;
use super::read::FieldReader;

impl FieldReader<'_, '_> {
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
        HEXUPPER
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

    /// Takes a span of time.
    pub(super) fn seconds(&mut self, what: &str) -> Result<(), Problem> {
        let token = self.next(what)?;
        let seconds = read_ttl(token.text).filter(|_| !token.quoted);
        let Some(seconds) = seconds else {
            return Err(self
                .wrong(format!("the {what} is {}, which is no span of time", token.shown()))
                .help("seconds, or numbers with units, such as 1h30m"));
        };
        let seconds = u32::try_from(seconds).map_err(|_| Problem {
            id: "zone-number-range",
            ..self.wrong(format!("the {what} is {seconds} s, above {}", u32::MAX))
        })?;
        self.put(&seconds.to_be_bytes());
        Ok(())
    }

    /// Takes a point of time.
    pub(super) fn moment(&mut self, what: &str) -> Result<(), Problem> {
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

    /// Takes a salt, or `-` for none.
    pub(super) fn salt(&mut self) -> Result<(), Problem> {
        if self.dash() {
            self.put(&[0]);
            return Ok(());
        }
        let octets = self.hex("salt", false)?;
        self.put_counted("salt", &octets)
    }

    /// Takes the next hashed owner of NSEC3.
    pub(super) fn next_hash(&mut self) -> Result<(), Problem> {
        let word = self.word("next hashed owner")?;
        let octets = BASE32HEX_NOPAD.decode(word.to_ascii_uppercase().as_bytes());
        let octets = octets.map_err(|_| self.wrong(format!("the next hashed owner `{word}` is no base32hex")))?;
        self.put_counted("next hashed owner", &octets)
    }

    /// Appends 1 to 255 octets with their length.
    pub(super) fn put_counted(&mut self, what: &str, octets: &[u8]) -> Result<(), Problem> {
        let length = u8::try_from(octets.len()).ok().filter(|length| *length > 0);
        let length =
            length.ok_or_else(|| self.wrong(format!("the {what} has {} octets, not 1 to 255", octets.len())))?;
        self.put(&[length]);
        self.put(octets);
        Ok(())
    }

    /// Takes an OSI address.
    pub(super) fn nsap(&mut self) -> Result<(), Problem> {
        let word = self.word("NSAP address")?;
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let digits = digits.map(|digits| digits.replace('.', "").to_ascii_uppercase());
        let octets = digits.and_then(|digits| HEXUPPER.decode(digits.as_bytes()).ok());
        let octets = octets.filter(|octets| !octets.is_empty());
        let octets = octets.ok_or_else(|| {
            self.wrong(format!("`{word}` is no NSAP address")).help("0x and an even number of hexadecimal digits")
        })?;
        self.put(&octets);
        Ok(())
    }

    /// Takes an EUI of so many octets.
    pub(super) fn eui(&mut self, length: usize) -> Result<(), Problem> {
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

    /// Takes 64 bits in four groups.
    pub(super) fn node64(&mut self) -> Result<(), Problem> {
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
    let days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100
        + shifted_year / 400
        + (153 * shifted_month + 2) / 5
        + day
        - 719_469;
    // RFC 4034 §3.1.5: the field holds what is left of it modulo 2^32, also beyond the year 2106.
    u32::try_from((days * 86_400 + hour * 3_600 + minute * 60 + second).rem_euclid(1 << 32)).ok()
}

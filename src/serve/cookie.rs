//! DNS cookies (RFC 7873, RFC 9018): a client that returns the server cookie has proved that it owns its address.
//!
//! A server cookie is a hash over the client's cookie, a time and its address: no state is kept for a client. Servers
//! that share an address share their secrets.

use std::fmt;
use std::hash::Hasher as _;
use std::net::IpAddr;

use aws_lc_rs::constant_time;
use siphasher::sip::SipHasher24;

use crate::base::clock::UnixTime;
use crate::base::hash::Key;

/// The secrets of server cookies: the first signs, all are believed (RFC 9018 §5).
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    first: Secret,
    others: Vec<Secret>,
}

type Secret = [u8; 16];

/// Why a text holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// It holds none.
    #[error("it holds no secret")]
    Empty,
    /// One is too much.
    #[error("it holds more than {MOST_SECRETS} secrets")]
    Many,
    /// This line, from 1, is no secret.
    #[error("line {0} is not 32 hexadecimal digits")]
    Line(usize),
}

/// The COOKIE option of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The client's cookie, then the server's.
    pub octets: [u8; COOKIE_LENGTH],
    /// Whether the query bore a server cookie that holds.
    pub proven: bool,
}

/// A COOKIE option with a length that none has: FORMERR (RFC 7873 §5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MalformedCookie;

impl Secrets {
    /// Begins with one secret.
    pub const fn new(first: [u8; 16]) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Reads secrets from a text: 32 hexadecimal digits a line, the signing one first. Empty lines and those that begin
    /// with `#` are passed over.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        let mut secrets = Vec::new();
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(line.as_bytes()).ok();
            let secret = octets.and_then(|octets| Secret::try_from(octets).ok());
            secrets.push(secret.ok_or(SecretsError::Line(number))?);
        }
        if secrets.len() > MOST_SECRETS {
            return Err(SecretsError::Many);
        }
        let (first, others) = secrets.split_first().ok_or(SecretsError::Empty)?;
        Ok(Self { first: *first, others: others.to_vec() })
    }

    /// Returns the key of draws, from which the secret cannot be told.
    pub(super) fn draw_key(&self) -> Key {
        (u128::from_be_bytes(self.first) ^ u128::from_be_bytes(*DRAWS)).to_be_bytes()
    }

    /// Puts a new secret first; cookies of the one before it are still believed.
    #[must_use]
    pub fn rotated(&self, next: [u8; 16]) -> Self {
        Self { first: next, others: vec![self.first] }
    }
}

impl Cookie {
    /// Makes the answer's option from that of the query (RFC 9018 §4).
    pub(super) fn of(
        option: &[u8],
        address: IpAddr,
        secrets: &Secrets,
        now: UnixTime,
    ) -> Result<Self, MalformedCookie> {
        let (client, rest) = option.split_first_chunk::<8>().ok_or(MalformedCookie)?;
        if !matches!(rest.len(), 0 | 8..=32) {
            return Err(MalformedCookie);
        }
        // RFC 9018 §4.3: the time is a serial number of 32 bits.
        let [.., n0, n1, n2, n3] = now.as_secs().to_be_bytes();
        let now = u32::from_be_bytes([n0, n1, n2, n3]);
        let told = <&[u8; 16]>::try_from(rest).ok();
        let believed = told.and_then(|told| believe(client, told, address, secrets, now));
        let server = match (believed, told) {
            (Some(Belief::Fresh), Some(told)) => *told,
            (Some(Belief::Fresh | Belief::Due) | None, _) => {
                let head = head(now);
                join(head, hash(client, head, address, &secrets.first))
            }
        };
        let mut octets = [0; COOKIE_LENGTH];
        for (place, octet) in octets.iter_mut().zip(client.iter().chain(&server)) {
            *place = *octet;
        }
        Ok(Self { octets, proven: believed.is_some() })
    }
}

/// What is thought of a server cookie that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belief {
    /// It is young, and made with the first secret.
    Fresh,
    /// It holds, and the client is told a new one.
    Due,
}

/// Returns what is thought of a server cookie; nothing if it does not hold.
fn believe(client: &[u8; 8], told: &[u8; 16], address: IpAddr, secrets: &Secrets, now: u32) -> Option<Belief> {
    let (head, mark) = told.split_first_chunk::<8>()?;
    let &[version, _, _, _, t0, t1, t2, t3] = head;
    let age = now.wrapping_sub(u32::from_be_bytes([t0, t1, t2, t3])).cast_signed();
    // The time is no secret, so it may be looked at first: most of what is stale costs no hash.
    if version != VERSION || !(-AHEAD..=OLDEST).contains(&age) {
        return None;
    }
    let holds =
        |secret: &Secret| constant_time::verify_slices_are_equal(&hash(client, *head, address, secret), mark).is_ok();
    if holds(&secrets.first) {
        return Some(if age < RENEW { Belief::Fresh } else { Belief::Due });
    }
    secrets.others.iter().any(holds).then_some(Belief::Due)
}

fn head(now: u32) -> [u8; 8] {
    let [t0, t1, t2, t3] = now.to_be_bytes();
    [VERSION, 0, 0, 0, t0, t1, t2, t3]
}

fn join(head: [u8; 8], mark: [u8; 8]) -> [u8; 16] {
    (u128::from(u64::from_be_bytes(head)) << 64 | u128::from(u64::from_be_bytes(mark))).to_be_bytes()
}

fn hash(client: &[u8; 8], head: [u8; 8], address: IpAddr, secret: &Secret) -> [u8; 8] {
    let mut hasher = SipHasher24::new_with_key(secret);
    hasher.write(client);
    hasher.write(&head);
    match address {
        IpAddr::V4(address) => hasher.write(&address.octets()),
        IpAddr::V6(address) => hasher.write(&address.octets()),
    }
    hasher.finish().to_le_bytes()
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.others.len() + 1)
    }
}

/// A client's cookie and a server's (RFC 9018 §4).
const COOKIE_LENGTH: usize = 24;
/// RFC 9018 §4.2.
const VERSION: u8 = 1;
/// How old a cookie may be in seconds (RFC 9018 §4.3).
const OLDEST: i32 = 3600;
/// How far its time may lie ahead in seconds (RFC 9018 §4.3).
const AHEAD: i32 = 300;
/// From which age in seconds the client is told a new one (RFC 9018 §4.3).
const RENEW: i32 = 1800;
/// A signing secret, a former and a coming one, and one to spare: each that is believed costs a hash.
const MOST_SECRETS: usize = 4;

/// What makes the key of draws another one than that of cookies.
const DRAWS: &Secret = b"draws of weights";

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn cookie(secrets: &Secrets, option: &str, address: &str, secs: u64) -> (String, bool) {
        let option = HEXLOWER.decode(option.as_bytes()).unwrap();
        let cookie = Cookie::of(&option, address.parse().unwrap(), secrets, UnixTime::from_secs(secs)).unwrap();
        (HEXLOWER.encode(&cookie.octets), cookie.proven)
    }

    const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

    /// RFC 9018, appendix A.1 to A.3.
    #[test]
    fn the_examples_of_rfc_9018_over_ipv4() {
        let secrets = Secrets::parse(SECRET).unwrap();
        assert_eq!(
            cookie(&secrets, "2464c4abcf10c957", "198.51.100.100", 1_559_731_985),
            ("2464c4abcf10c957010000005cf79f111f8130c3eee29480".to_owned(), false)
        );
        let told = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
        assert_eq!(
            cookie(&secrets, told, "198.51.100.100", 1_559_734_385),
            ("2464c4abcf10c957010000005cf7a871d4a564a1442aca77".to_owned(), true)
        );
        let reserved = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5";
        assert_eq!(
            cookie(&secrets, reserved, "203.0.113.203", 1_559_727_985),
            (reserved.to_owned(), true),
            "reserved bits are part of the hash and do not matter else"
        );
    }

    /// RFC 9018, appendix A.4: a secret is replaced, IPv6.
    #[test]
    fn the_example_of_rfc_9018_over_ipv6_with_a_new_secret() {
        let secrets = Secrets::parse("445536bcd2513298075a5d379663c962\ndd3bdf9344b678b185a6f5cb60fca715").unwrap();
        assert_eq!(
            cookie(
                &secrets,
                "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
                "2001:db8:220:1:59de:d0f4:8769:82b8",
                1_559_741_961
            ),
            ("22681ab97d52c298010000005cf7c609a6bb79d16625507a".to_owned(), true)
        );
    }

    #[test]
    fn a_cookie_holds_for_an_hour_for_its_address_and_its_client() {
        let secrets = Secrets::parse(SECRET).unwrap();
        let told = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";
        let at = |address: &str, secs: i64| cookie(&secrets, told, address, (1_559_731_985 + secs).cast_unsigned());
        for (secs, proven) in [(0, true), (1799, true), (3600, true), (3601, false), (-300, true), (-301, false)] {
            assert_eq!(at("198.51.100.100", secs).1, proven, "{secs}");
        }
        assert_eq!(at("198.51.100.100", 1799).0, told, "a young one stays");
        assert_ne!(at("198.51.100.100", 1800).0, told, "an older one is renewed");
        assert!(!at("198.51.100.101", 0).1);
        let other = told.replacen('2', "3", 1);
        assert!(!cookie(&secrets, &other, "198.51.100.100", 1_559_731_985).1);
    }

    #[test]
    fn a_rotated_secret_is_believed_once_more() {
        let old = Secrets::new([1; 16]);
        let (told, _) = cookie(&old, "2464c4abcf10c957", "127.0.0.1", 1000);
        let next = old.rotated([2; 16]);
        let (renewed, proven) = cookie(&next, &told, "127.0.0.1", 1010);
        assert!(proven && renewed != told, "the client is told one of the new secret");
        assert!(!cookie(&next.rotated([3; 16]), &told, "127.0.0.1", 1020).1);
    }

    #[test]
    fn only_lengths_of_cookies_are_taken() {
        let secrets = Secrets::new([1; 16]);
        for length in 0..=48_usize {
            let made = Cookie::of(&vec![7; length], [127, 0, 0, 1].into(), &secrets, UnixTime::from_secs(9));
            assert_eq!(made.is_ok(), length == 8 || (16..=40).contains(&length), "{length}");
        }
    }

    #[test]
    fn secrets_are_read_line_by_line() {
        let two = format!("# signing\n{SECRET}\n\n  445536BCD2513298075A5D379663C962\n");
        assert_eq!(Secrets::parse(&two).unwrap().others.len(), 1);
        assert_eq!(Secrets::parse("# none"), Err(SecretsError::Empty));
        assert_eq!(Secrets::parse(&format!("{SECRET}\nabc")), Err(SecretsError::Line(2)));
        assert_eq!(Secrets::parse(&format!("{SECRET}\n").repeat(5)), Err(SecretsError::Many));
        assert!(!format!("{:?}", Secrets::parse(SECRET)).contains("e5e9"), "secrets are not printed");
    }
}

//! Response rate limiting: a limit on similar answers to one network per second.
//!
//! A flood of forged queries makes a server flood its victim. So answers over UDP to clients without a valid cookie are
//! counted by network and by what is answered: name and type of the first set of an answer, or of a denial, or the
//! error. Answers beyond the rate are dropped, except every second one (`slip`), which is sent truncated: genuine
//! clients retry over TCP.
//!
//! The table has a fixed size and no lock. Collisions of two buckets in one slot favour the client: the second is not
//! counted until the first is empty.

use std::hash::Hasher as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher24;

use crate::base::clock::Mono;
use crate::zone::{Name, Rtype};

use super::plan::{Owner, Plan};
use super::rcode::Rcode;
use super::settings::Rates;

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// It is sent.
    Whole,
    /// It is sent truncated.
    Slip,
    /// It is not sent.
    Drop,
}

/// What makes answers alike: their code, and the first set of an answer or a denial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind<'a> {
    pub(super) rcode: Rcode,
    /// Its type, and the set's own name, not the name asked: names below a wildcard are many.
    pub(super) first: Option<(Rtype, &'a [u8])>,
}

/// The buckets.
pub struct Limiter {
    key: [u8; 16],
    slots: Box<[AtomicU64]>,
}

/// One bucket, as it lies in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    /// Of which network and answer.
    tag: u16,
    /// When it was filled last, in seconds.
    second: u16,
    /// How full it is.
    level: u16,
    /// How many were beyond the rate since the last one that slipped.
    beyond: u16,
}

impl Limiter {
    /// Makes empty buckets; nobody who does not know the key can choose which two meet.
    pub fn new(key: [u8; 16]) -> Self {
        Self { key, slots: std::iter::repeat_with(AtomicU64::default).take(SLOTS).collect() }
    }

    /// Judges an answer.
    pub(super) fn judge(&self, rates: Rates, address: IpAddr, kind: Kind<'_>, now: Mono) -> Pass {
        // Nobody else can send from loopback, so there is no victim.
        if rates.rate == 0 || address.is_loopback() {
            return Pass::Whole;
        }
        let [p0, p1, p2, p3, t0, t1, ..] = self.hash(rates, address, kind).to_be_bytes();
        let place = usize::try_from(u32::from_be_bytes([p0, p1, p2, p3])).unwrap_or(0) % SLOTS;
        let Some(slot) = self.slots.get(place) else { return Pass::Whole };
        // A counter of seconds that begins anew every 18 hours.
        let [.., s0, s1] = now.since_start().as_secs().to_be_bytes();
        let (tag, second) = (u16::from_be_bytes([t0, t1]), u16::from_be_bytes([s0, s1]));
        let mut pass = Pass::Whole;
        let fill = |octets: u64| {
            let (bucket, what) = Bucket::from(octets).fill(rates, tag, second);
            pass = what;
            Some(bucket.into())
        };
        // Never `Err`: the closure always gives a value.
        let (Ok(_) | Err(_)) = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fill);
        pass
    }

    fn hash(&self, rates: Rates, address: IpAddr, kind: Kind<'_>) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        match address {
            IpAddr::V4(address) => hasher.write_u32(prefix(u128::from(address.to_bits()) << 96, rates.v4)),
            IpAddr::V6(address) => hasher.write_u128(address.to_bits() & mask(rates.v6)),
        }
        hasher.write_u16(kind.rcode.0);
        if let Some((rtype, owner)) = kind.first {
            hasher.write_u16(rtype.0);
            hasher.write(owner);
        }
        hasher.finish()
    }
}

impl<'a> Kind<'a> {
    /// Returns that of a plan.
    pub(super) fn of(plan: &Plan<'a>) -> Self {
        let first = plan.answer.iter().chain(plan.authority.iter()).next().map(|item| {
            let owner = match item.owner {
                Owner::Wire(owner) => Some(owner),
                Owner::Question | Owner::Synthesized(_) => plan.source.map(Name::wire),
            };
            (item.rtype(), owner.unwrap_or_default())
        });
        Self { rcode: plan.rcode, first }
    }
}

impl Bucket {
    /// Fills one answer in, after what has run out since; returns what becomes of the answer.
    fn fill(self, rates: Rates, tag: u16, second: u16) -> (Self, Pass) {
        let empty = Self { tag, second, level: 0, beyond: 0 };
        let past = second.wrapping_sub(self.second);
        let left = self.level.saturating_sub(rates.rate.saturating_mul(past));
        if self.tag != tag && left > 0 {
            return (self, Pass::Whole);
        }
        let now = if self.tag == tag { Self { second, level: left, ..self } } else { empty };
        if now.level < rates.rate {
            return (Self { level: now.level + 1, beyond: 0, ..now }, Pass::Whole);
        }
        let beyond = now.beyond + 1;
        match u16::from(rates.slip) {
            0 => (now, Pass::Drop),
            slip if beyond >= slip => (Self { beyond: 0, ..now }, Pass::Slip),
            _ => (Self { beyond, ..now }, Pass::Drop),
        }
    }
}

impl From<u64> for Bucket {
    fn from(octets: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = octets.to_be_bytes();
        let [tag, second, level, beyond] = [[a, b], [c, d], [e, f], [g, h]].map(u16::from_be_bytes);
        Self { tag, second, level, beyond }
    }
}

impl From<Bucket> for u64 {
    fn from(bucket: Bucket) -> Self {
        let Bucket { tag, second, level, beyond } = bucket;
        [tag, second, level, beyond].into_iter().fold(0, |octets, part| octets << 16 | Self::from(part))
    }
}

fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(u32::from(128_u8.saturating_sub(bits))).unwrap_or(0)
}

fn prefix(address: u128, bits: u8) -> u32 {
    let [a, b, c, d, ..] = (address & mask(bits)).to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limiter")
    }
}

/// 512 KiB of buckets: as many networks and answers are counted in a second.
const SLOTS: usize = 1 << 16;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the lists are the test's own")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::serve::plan::Item;
    use crate::zone::Rrset;

    const RATES: Rates = Rates { rate: 5, slip: 2, v4: 24, v6: 56 };

    fn judge(limiter: &Limiter, address: &str, rcode: Rcode, millis: u64) -> Pass {
        let plan = Plan { rcode, ..Plan::default() };
        limiter.judge(RATES, address.parse().unwrap(), Kind::of(&plan), Mono::START + Duration::from_millis(millis))
    }

    #[test]
    fn beyond_the_rate_every_second_answer_slips_and_a_second_later_the_rate_is_there_again() {
        let limiter = Limiter::new([7; 16]);
        for start in [0, 1_000, 60_000] {
            let passes: Vec<Pass> =
                (0..9).map(|number| judge(&limiter, "192.0.2.1", Rcode::REFUSED, start + number)).collect();
            assert_eq!(passes[..5], [Pass::Whole; 5], "{start}");
            assert_eq!(passes[5..], [Pass::Drop, Pass::Slip, Pass::Drop, Pass::Slip], "{start}");
        }
    }

    #[test]
    fn a_network_is_one_client_and_other_networks_and_answers_are_not_touched() {
        let limiter = Limiter::new([7; 16]);
        for host in 0..20 {
            judge(&limiter, &format!("192.0.2.{host}"), Rcode::REFUSED, 0);
            judge(&limiter, &format!("2001:db8::{host}:1"), Rcode::REFUSED, 0);
        }
        assert_ne!(judge(&limiter, "192.0.2.99", Rcode::REFUSED, 0), Pass::Whole);
        assert_ne!(judge(&limiter, "2001:db8:0:ff::1", Rcode::REFUSED, 0), Pass::Whole);
        assert_eq!(judge(&limiter, "192.0.3.99", Rcode::REFUSED, 0), Pass::Whole);
        assert_eq!(judge(&limiter, "2001:db8:0:100::1", Rcode::REFUSED, 0), Pass::Whole);
        assert_eq!(judge(&limiter, "192.0.2.99", Rcode::NXDOMAIN, 0), Pass::Whole);
    }

    #[test]
    fn a_set_is_known_by_its_name_and_type_wherever_it_lies() {
        let limiter = Limiter::new([7; 16]);
        let names: Vec<Name> = ["a.example.", "b.example."].iter().map(|name| name.parse().unwrap()).collect();
        let judge = |name: &Name, rtype: Rtype, last: u8| {
            // As after a change: an equal name and a new set, elsewhere in memory.
            let (name, set) = (name.clone(), Rrset::new(rtype, 30, [[192, 0, 2, last]]));
            let mut plan = Plan { source: Some(&name), ..Plan::default() };
            plan.answer.push(Item::of(Owner::Question, &set));
            limiter.judge(RATES, [192, 0, 2, 1].into(), Kind::of(&plan), Mono::START)
        };
        let passes: Vec<Pass> = (0..6).map(|last| judge(&names[0], Rtype::A, last)).collect();
        assert_eq!((&passes[..5], passes[5]), ([Pass::Whole; 5].as_slice(), Pass::Drop));
        assert_eq!(judge(&names[1], Rtype::A, 0), Pass::Whole, "another name");
        assert_eq!(judge(&names[0], Rtype::TXT, 0), Pass::Whole, "another type");
    }

    #[test]
    fn a_bucket_survives_its_slot() {
        let bucket = Bucket { tag: 0xabcd, second: 65_535, level: 77, beyond: 3 };
        assert_eq!(Bucket::from(u64::from(bucket)), bucket);
        // The counter of seconds begins anew.
        assert_eq!(bucket.fill(Rates { rate: 77, ..RATES }, 0xabcd, 0).1, Pass::Whole);
    }

    #[test]
    fn without_a_rate_or_on_loopback_nothing_is_counted_and_else_there_is_one() {
        let limiter = Limiter::new([7; 16]);
        let plan = Plan::default();
        let whole = |rates: Rates, address: [u8; 4]| {
            (0..1_000)
                .filter(|_| limiter.judge(rates, address.into(), Kind::of(&plan), Mono::START) == Pass::Whole)
                .count()
        };
        assert_eq!(whole(Rates { rate: 0, ..Rates::default() }, [192, 0, 2, 1]), 1_000);
        assert_eq!(whole(Rates::default(), [127, 0, 0, 1]), 1_000);
        assert_eq!(whole(Rates::default(), [192, 0, 2, 1]), 200);
    }
}

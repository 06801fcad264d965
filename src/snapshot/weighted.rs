//! A set of which each answer holds a part, drawn by weights.

use std::sync::Arc;

use crate::base::hash::{Key, StableHash};
use crate::zone::{Rrset, Rtype};

/// How many records of a set one answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// One, with the odds of its weight among the sum of all.
    One,
    /// Each that the draw reaches: with the odds of its weight among the greatest, whose records are in every answer.
    Each,
}

/// By what one answer draws. Only who knows the key can tell what it gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Draw {
    /// The key.
    pub key: Key,
    /// What tells the answer from others.
    pub numbers: [u64; 3],
}

/// The parts of a set, and which of them each draw gives.
///
/// All parts are made beforehand, so that an answer takes one as it stands: with [`Pick::One`] each record is a part, with
/// [`Pick::Each`] there is one for each different weight, with all records that weigh as much or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedSet {
    /// All records.
    all: Arc<Rrset>,
    /// What secondaries are given, which cannot draw.
    transferred: Arc<Rrset>,
    /// The parts: each with the number below which a draw gives it, in rising order.
    parts: Box<[(u64, Arc<Rrset>)]>,
    /// What makes its draws differ from those of other sets in the same answer.
    salt: u64,
}

impl WeightedSet {
    /// Makes the parts of a set of at least one record, each with its weight; where all weigh 0, they are alike. An alias
    /// has one record (RFC 2181 §10.1): where that is the type, secondaries are given the heaviest, else all records.
    pub fn new<R: AsRef<[u8]>>(rtype: Rtype, ttl: u32, records: &[(R, u16)], pick: Pick, salt: u64) -> Self {
        let is_weightless = records.iter().all(|(_, weight)| *weight == 0);
        let weight = |(_, weight): &(R, u16)| if is_weightless { 1 } else { u64::from(*weight) };
        let set = |least: u64| {
            let kept = records.iter().filter(|record| weight(record) >= least);
            Arc::new(Rrset::new(rtype, ttl, kept.map(|(rdata, _)| rdata)))
        };
        let single = |(rdata, _): &(R, u16)| Arc::new(Rrset::new(rtype, ttl, [rdata]));
        let parts: Box<[(u64, Arc<Rrset>)]> = match pick {
            Pick::One => {
                let sums = records.iter().scan(0, |sum, record| {
                    *sum += weight(record);
                    Some(*sum)
                });
                sums.zip(records.iter().map(single)).collect()
            }
            Pick::Each => {
                let mut weights: Vec<u64> = records.iter().map(weight).filter(|weight| *weight > 0).collect();
                weights.sort_unstable();
                weights.dedup();
                weights.into_iter().map(|weight| (weight, set(weight))).collect()
            }
        };
        let all = set(0);
        let heaviest = records.iter().rev().max_by_key(|record| weight(record)).map(single);
        let transferred = heaviest.filter(|_| rtype == Rtype::CNAME).unwrap_or_else(|| Arc::clone(&all));
        Self { all, transferred, parts, salt }
    }

    /// Returns the part that a draw gives. What one draw gives from different sets has nothing to do with each other.
    pub fn draw(&self, draw: &Draw) -> &Arc<Rrset> {
        let drawn =
            draw.numbers.iter().fold(StableHash::new(&draw.key), |hash, number| hash.number(*number)).number(self.salt);
        let drawn = drawn.finish();
        let most = self.parts.last().map_or(0, |(bound, _)| *bound);
        // The product of two numbers of 64 bits, divided by 2^64, is below the second one.
        let place = u64::try_from((u128::from(drawn) * u128::from(most)) >> 64).unwrap_or_default();
        let part = self.parts.partition_point(|(bound, _)| *bound <= place);
        self.parts.get(part).map_or(&self.all, |(_, set)| set)
    }

    /// Returns all records that an answer may hold.
    pub const fn all(&self) -> &Arc<Rrset> {
        &self.all
    }

    /// Returns what secondaries are given.
    pub const fn transferred(&self) -> &Arc<Rrset> {
        &self.transferred
    }

    /// Returns whether it has these records with these weights, and another salt and TTL or not.
    pub fn holds<R: AsRef<[u8]>>(&self, records: &[(R, u16)], pick: Pick) -> bool {
        *self == Self::new(self.all.rtype(), self.all.ttl(), records, pick, self.salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LB: [([u8; 4], u16); 3] = [([192, 0, 2, 1], 45), ([192, 0, 2, 2], 60), ([192, 0, 2, 3], 75)];

    fn draws(set: &WeightedSet, count: u64) -> impl Iterator<Item = Vec<u8>> {
        (0..count).map(|number| {
            let drawn = set.draw(&Draw { key: [7; 16], numbers: [number, 0, 0] });
            drawn.rdatas().map(|rdata| rdata[3]).collect()
        })
    }

    fn share(set: &WeightedSet, last: u8) -> f64 {
        let with = draws(set, 100_000).filter(|drawn| drawn.contains(&last)).count();
        f64::from(u32::try_from(with).unwrap()) / 100_000.0
    }

    #[test]
    fn one_is_drawn_with_the_odds_of_its_weight_among_the_sum() {
        let set = WeightedSet::new(Rtype::A, 30, &LB, Pick::One, 1);
        assert!(draws(&set, 1_000).all(|drawn| drawn.len() == 1));
        for (last, odds) in [(1, 45.0 / 180.0), (2, 60.0 / 180.0), (3, 75.0 / 180.0)] {
            assert!((share(&set, last) - odds).abs() < 0.01, "{last}: {}", share(&set, last));
        }
    }

    #[test]
    fn each_is_drawn_with_the_odds_of_its_weight_among_the_greatest() {
        let set = WeightedSet::new(Rtype::A, 30, &[LB[0], LB[1], ([192, 0, 2, 4], 60)], Pick::Each, 1);
        assert!(draws(&set, 1_000).all(|drawn| drawn == [2, 4] || drawn == [1, 2, 4]));
        for (last, odds) in [(1, 0.75), (2, 1.0), (4, 1.0)] {
            assert!((share(&set, last) - odds).abs() < 0.01, "{last}: {}", share(&set, last));
        }
    }

    #[test]
    fn without_weights_all_are_alike() {
        let alike = LB.map(|(rdata, _)| (rdata, 0));
        let one = WeightedSet::new(Rtype::A, 30, &alike, Pick::One, 1);
        assert!((share(&one, 2) - 1.0 / 3.0).abs() < 0.01, "{}", share(&one, 2));
        let each = WeightedSet::new(Rtype::A, 30, &alike, Pick::Each, 1);
        assert!(draws(&each, 100).all(|drawn| drawn == [1, 2, 3]));
    }

    #[test]
    fn secondaries_are_given_all_addresses_and_one_alias() {
        let set = WeightedSet::new(Rtype::A, 30, &LB, Pick::One, 1);
        assert_eq!(set.transferred().len(), 3);
        let names = [(b"\x01a\0", 3), (b"\x01b\0", 9), (b"\x01c\0", 9)];
        let set = WeightedSet::new(Rtype::CNAME, 30, &names, Pick::One, 1);
        assert_eq!(set.transferred().rdatas().collect::<Vec<_>>(), [b"\x01b\0"], "of the heaviest the first");
        assert_eq!(set.all().len(), 3);
    }

    /// An alias and the addresses of its target are drawn in one answer.
    #[test]
    fn sets_of_different_salt_draw_apart() {
        let alike = [([192, 0, 2, 1], 1), ([192, 0, 2, 2], 1)];
        let [one, other] = [1, 2].map(|salt| WeightedSet::new(Rtype::A, 30, &alike, Pick::One, salt));
        let same = draws(&one, 10_000).zip(draws(&other, 10_000)).filter(|(one, other)| one == other).count();
        assert!((4_500..5_500).contains(&same), "{same} of 10,000 alike");
    }

    #[test]
    fn who_has_another_key_draws_otherwise() {
        let alike = [([192, 0, 2, 1], 1), ([192, 0, 2, 2], 1)];
        let set = WeightedSet::new(Rtype::A, 30, &alike, Pick::One, 1);
        let drawn =
            |key, number| set.draw(&Draw { key: [key; 16], numbers: [0, number, 0] }).rdatas().next().unwrap().to_vec();
        let same = (0..10_000).filter(|number| drawn(1, *number) == drawn(2, *number)).count();
        assert!((4_500..5_500).contains(&same), "{same} of 10,000 alike");
        assert_eq!(drawn(1, 5), drawn(1, 5));
    }
}

//! The order of the records of a set, which differs from answer to answer: some clients always take the first.

use arrayvec::ArrayVec;

use crate::zone::{Rrset, Rtype};

use super::Context;

/// How one answer orders the records of its sets; made of the number of its query, which resolvers choose at random
/// (RFC 5452 §9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    number: u16,
    by_weight: bool,
}

/// A record of SRV that has not had its turn.
#[derive(Clone, Copy)]
struct Candidate<'s> {
    priority: u16,
    weight: u16,
    rdata: &'s [u8],
}

impl Order {
    /// Returns that of an answer.
    pub(super) const fn of(context: &Context<'_>) -> Self {
        Self { number: context.rotation, by_weight: context.settings.weighted_order }
    }

    /// Hands out the data of the records of a set in order, until there is nothing from `take`; then returns nothing too.
    pub(super) fn each<'s>(self, set: &'s Rrset, take: impl FnMut(&'s [u8]) -> Option<()>) -> Option<()> {
        if self.by_weight && set.rtype() == Rtype::SRV && (2..=WEIGHTED_MAX).contains(&set.len()) {
            return self.weighted(set).into_iter().try_for_each(take);
        }
        let turn = usize::from(self.number).checked_rem(set.len()).unwrap_or(0);
        set.rdatas().skip(turn).chain(set.rdatas().take(turn)).try_for_each(take)
    }

    /// Chooses one record after the other as clients should (RFC 2782): of the lowest priority, by chance and weight.
    fn weighted<'s>(self, set: &'s Rrset) -> ArrayVec<&'s [u8], WEIGHTED_MAX> {
        let candidate = |rdata: &'s [u8]| match rdata {
            &[p0, p1, w0, w1, ..] => {
                let (priority, weight) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([w0, w1]));
                Candidate { priority, weight, rdata }
            }
            _ => Candidate { priority: 0, weight: 0, rdata },
        };
        let mut left: ArrayVec<Candidate<'_>, WEIGHTED_MAX> = set.rdatas().map(candidate).collect();
        let mut ordered = ArrayVec::new();
        let mut chance = u64::from(self.number);
        while let Some(priority) = left.iter().map(|candidate| candidate.priority).min() {
            let tier = || left.iter().enumerate().filter(|(_, candidate)| candidate.priority == priority);
            // A weight of 0 is small, but not none; where all are 0, all are alike.
            let share = |candidate: &Candidate<'_>| u64::from(candidate.weight) * WEIGHT_UNIT + 1;
            let total: u64 = tier().map(|(_, candidate)| share(candidate)).sum();
            let mut drawn = draw(&mut chance) % total.max(1);
            let mut chosen = 0;
            for (place, candidate) in tier() {
                chosen = place;
                match drawn.checked_sub(share(candidate)) {
                    Some(rest) => drawn = rest,
                    None => break,
                }
            }
            ordered.push(left.remove(chosen).rdata);
        }
        ordered
    }
}

/// Draws the next number (SplitMix64): spread well, not secret.
const fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The most records that are ordered by weight; more are turned.
const WEIGHTED_MAX: usize = 32;
/// How many times as likely as weight 0 a weight of 1 is.
const WEIGHT_UNIT: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Srv;

    fn set(records: &[(u16, u16)]) -> Rrset {
        let rdata = |(port, (priority, weight)): (u16, &(u16, u16))| {
            Srv { priority: *priority, weight: *weight, port, host: b"\x01h\0" }.write()
        };
        Rrset::new(Rtype::SRV, 60, (0u16..).zip(records).map(rdata))
    }

    fn ordered(order: Order, set: &Rrset) -> Vec<&[u8]> {
        let mut rdatas = Vec::new();
        let all = order.each(set, |rdata| {
            rdatas.push(rdata);
            Some(())
        });
        assert_eq!(all, Some(()));
        rdatas
    }

    fn ports(order: Order, set: &Rrset) -> Vec<u16> {
        ordered(order, set).into_iter().filter_map(Srv::read).map(|srv| srv.port).collect()
    }

    /// How often each record of a set is the first, of all numbers that a query can have.
    fn firsts(set: &Rrset) -> Vec<u32> {
        let mut firsts = vec![0; set.len()];
        for number in 0..=u16::MAX {
            let ports = ports(Order { number, by_weight: true }, set);
            let mut all = ports.clone();
            all.sort_unstable();
            assert!(all.iter().copied().eq(0..u16::try_from(set.len()).unwrap()), "each once: {ports:?}");
            *firsts.get_mut(usize::from(*ports.first().unwrap())).unwrap() += 1;
        }
        firsts
    }

    #[test]
    fn without_weights_a_set_is_turned() {
        let set = set(&[(10, 1), (10, 2), (20, 3)]);
        let turned = |number| ports(Order { number, by_weight: false }, &set);
        assert_eq!([0, 1, 2, 3].map(turned), [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
        let addresses = Rrset::new(Rtype::A, 60, [[192, 0, 2, 1], [192, 0, 2, 2]]);
        let by_weight = Order { number: 1, by_weight: true };
        assert_eq!(ordered(by_weight, &addresses), [[192, 0, 2, 2], [192, 0, 2, 1]]);
        assert_eq!(by_weight.each(&addresses, |_| None), None);
    }

    #[test]
    fn lower_priorities_stand_first_and_weights_are_shares() {
        let set = set(&[(20, 1), (10, 30), (10, 10), (10, 0)]);
        for number in 0..1_000 {
            assert_eq!(ports(Order { number, by_weight: true }, &set).last(), Some(&0));
        }
        let [standby, heavy, light, none] = firsts(&set)[..] else { panic!("four records") };
        assert_eq!(standby, 0);
        // Three quarters of 65,536 are 49,152, a quarter 16,384; one in 4,003 is for weight 0.
        assert!((48_000..50_300).contains(&heavy) && (15_300..17_500).contains(&light), "{heavy} {light}");
        assert!((1..100).contains(&none), "{none}");
    }

    #[test]
    fn where_all_weights_are_0_all_are_alike_and_long_sets_are_turned() {
        let all = firsts(&set(&[(10, 0); 4]));
        assert!(all.iter().all(|count| (15_300..17_500).contains(count)), "{all:?}");
        let long = set(&[(10, 1); WEIGHTED_MAX + 1]);
        let (by_weight, turned) = (Order { number: 7, by_weight: true }, Order { number: 7, by_weight: false });
        assert_eq!(ports(by_weight, &long), ports(turned, &long));
    }
}

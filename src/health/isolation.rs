//! Whether the checker itself is cut off: witnesses, and what their answers prove.
//!
//! *Witnesses* are the references of the config; else the targets of other networks, if targets span at least three.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::TargetId;
use super::machine::Guard;
use crate::base::clock::Mono;

/// How many witnesses are probed at once when silence must be explained.
pub const INQUIRY: usize = 5;
/// How many networks the targets must span for the targets to be each other's witnesses.
const NETWORKS: usize = 3;

/// A network as witnesses count it: a /24 of IPv4, a /48 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(u128);

/// Who may testify for whom, and when whom was last heard.
#[derive(Clone, Debug)]
pub struct Witnesses {
    kind: Kind,
    /// For each network the begin of the latest probe that was answered from there.
    heard: BTreeMap<Network, Mono>,
    isolated: bool,
    inquiry: Option<Inquiry>,
}

/// Witnesses asked on behalf of one silent target.
#[derive(Clone, Debug)]
struct Inquiry {
    /// The silent target's address.
    silent: IpAddr,
    /// When they were asked: probes that began before prove nothing.
    since: Mono,
    /// Those not heard of yet.
    waiting: BTreeSet<TargetId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Too few networks and no references: no guard.
    None,
    /// The references alone.
    References(BTreeSet<TargetId>),
    /// Every target, for targets of other networks.
    Targets,
}

/// What follows from a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// A witness answered a probe that began then: targets that waited for one go down, but those of its own network.
    Answered(Mono, Option<Network>),
    /// No witness answered: the checker is isolated from now on.
    Isolated,
    /// A witness answered: the checker is no longer isolated.
    Thawed,
}

impl Network {
    /// Returns the network of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self(u128::from(v4.to_bits() >> 8)),
            IpAddr::V6(v6) => Self(v6.to_bits() >> 80 | 1 << 120),
        }
    }
}

impl Witnesses {
    /// Makes the witnesses of a setup: the references, else all probed targets by their networks.
    pub fn new(references: &[TargetId], probed: impl Iterator<Item = IpAddr>) -> Self {
        let kind = if references.is_empty() {
            let networks: BTreeSet<Network> = probed.map(Network::of).collect();
            if networks.len() >= NETWORKS { Kind::Targets } else { Kind::None }
        } else {
            Kind::References(references.iter().copied().collect())
        };
        Self { kind, heard: BTreeMap::new(), isolated: false, inquiry: None }
    }

    /// Returns what guards a target on `address` against being taken down by silence.
    pub fn guard(&self, address: IpAddr) -> Guard {
        match self.kind {
            Kind::None => Guard::Off,
            Kind::References(_) | Kind::Targets if self.isolated => Guard::Isolated,
            Kind::References(_) => Guard::Witnessed(self.heard.values().max().copied()),
            Kind::Targets => {
                let own = Network::of(address);
                let others = self.heard.iter().filter(|(network, _)| **network != own);
                Guard::Witnessed(others.map(|(_, began)| *began).max())
            }
        }
    }

    /// Returns whether `witness` may testify for a target on `address`.
    pub fn may_testify(&self, witness: TargetId, network: Network, address: IpAddr) -> bool {
        match &self.kind {
            Kind::None => false,
            Kind::References(references) => references.contains(&witness),
            Kind::Targets => network != Network::of(address),
        }
    }

    /// Begins an inquiry on behalf of a silent target: `asked`, not empty, are probed at once.
    pub fn inquire(&mut self, silent: IpAddr, asked: impl Iterator<Item = TargetId>, now: Mono) {
        self.inquiry = Some(Inquiry { silent, since: now, waiting: asked.collect() });
    }

    /// Returns whether an inquiry is under way.
    pub const fn is_inquiring(&self) -> bool {
        self.inquiry.is_some()
    }

    /// Takes in whether a target answered (even "no") a probe that began at `began`.
    pub fn hear(&mut self, target: TargetId, address: IpAddr, began: Mono, answered: bool) -> News {
        let network = match &self.kind {
            Kind::None => return News::None,
            Kind::References(references) if !references.contains(&target) => return News::None,
            Kind::References(_) => None,
            Kind::Targets => Some(Network::of(address)),
        };
        if answered {
            let heard = self.heard.entry(Network::of(address)).or_insert(began);
            *heard = began.max(*heard);
            self.inquiry.take_if(|i| began >= i.since && network != Some(Network::of(i.silent)));
            if std::mem::take(&mut self.isolated) {
                return News::Thawed;
            }
            return News::Answered(began, network);
        }
        let Some(inquiry) = &mut self.inquiry else { return News::None };
        if began >= inquiry.since {
            inquiry.waiting.remove(&target);
        }
        if inquiry.waiting.is_empty() {
            self.inquiry = None;
            self.isolated = true;
            return News::Isolated;
        }
        News::None
    }

    /// Returns whether the checker is isolated.
    pub const fn is_isolated(&self) -> bool {
        self.isolated
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::table::RowId;

    fn ip(third: u8) -> IpAddr {
        [127, 0, third, 1].into()
    }

    fn id(index: usize) -> TargetId {
        TargetId::from_index(index)
    }

    fn at(secs: u64) -> Mono {
        Mono::START + Duration::from_secs(secs)
    }

    #[test]
    fn fewer_than_three_networks_guard_nobody() {
        let two = Witnesses::new(&[], [ip(1), ip(1), ip(2)].into_iter());
        assert_eq!(two.guard(ip(1)), Guard::Off);
        let three = Witnesses::new(&[], [ip(1), ip(2), ip(3)].into_iter());
        assert_eq!(three.guard(ip(1)), Guard::Witnessed(None));
    }

    #[test]
    fn only_other_networks_testify() {
        let mut witnesses = Witnesses::new(&[], [ip(1), ip(2), ip(3)].into_iter());
        witnesses.hear(id(0), ip(1), at(1), true);
        assert_eq!(witnesses.guard(ip(1)), Guard::Witnessed(None));
        assert_eq!(witnesses.guard(ip(2)), Guard::Witnessed(Some(at(1))));
    }

    #[test]
    fn with_references_nobody_else_testifies() {
        let mut witnesses = Witnesses::new(&[id(9)], [ip(1), ip(2), ip(3)].into_iter());
        witnesses.hear(id(0), ip(1), at(1), true);
        assert_eq!(witnesses.guard(ip(2)), Guard::Witnessed(None));
        witnesses.hear(id(9), ip(2), at(2), true);
        assert_eq!(witnesses.guard(ip(2)), Guard::Witnessed(Some(at(2))));
    }

    #[test]
    fn the_checker_is_isolated_when_all_asked_are_silent_and_thaws_with_the_first_answer() {
        let mut witnesses = Witnesses::new(&[], [ip(1), ip(2), ip(3)].into_iter());
        witnesses.inquire(ip(1), [id(1), id(2)].into_iter(), at(5));
        assert_eq!(witnesses.hear(id(1), ip(2), at(4), false), News::None, "began before it was asked");
        assert_eq!(witnesses.hear(id(1), ip(2), at(5), false), News::None);
        assert_eq!(witnesses.hear(id(2), ip(3), at(5), false), News::Isolated);
        assert_eq!(witnesses.guard(ip(1)), Guard::Isolated);
        assert_eq!(witnesses.hear(id(1), ip(2), at(9), true), News::Thawed);
        assert!(!witnesses.is_isolated());
    }

    #[test]
    fn an_answer_from_the_silent_ones_own_network_ends_no_inquiry() {
        let mut witnesses = Witnesses::new(&[], [ip(1), ip(2), ip(3)].into_iter());
        witnesses.inquire(ip(1), [id(1)].into_iter(), at(5));
        witnesses.hear(id(0), ip(1), at(6), true);
        assert!(witnesses.is_inquiring());
        assert_eq!(witnesses.hear(id(3), ip(3), at(6), true), News::Answered(at(6), Some(Network::of(ip(3)))));
        assert!(!witnesses.is_inquiring());
    }
}

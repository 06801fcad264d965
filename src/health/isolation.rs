//! Whether the checker itself is cut off: witnesses, and what their answers prove.
//!
//! *Witnesses* are the references of the config; else the targets of other networks, if targets span at least three.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::TargetId;
use super::machine::Guard;
use crate::base::clock::Mono;
use crate::base::prefix::IpPrefix;

/// How many witnesses are probed at once when silence must be explained.
pub const INQUIRY: usize = 5;
/// How many networks the targets must span for the targets to be each other's witnesses.
const NETWORKS: usize = 3;

/// Who may testify for whom, and when whom was last heard.
#[derive(Clone, Debug)]
pub struct Witnesses {
    kind: Kind,
    heard: Heard,
    isolated: bool,
    inquiry: Option<Inquiry>,
}

/// The latest begins of probes that were answered, of two networks: enough to know for any network what came from others.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    latest: Option<(IpPrefix, Mono)>,
    elsewhere: Option<(IpPrefix, Mono)>,
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
    References(Vec<TargetId>),
    /// Every target, for targets of other networks; of each network a few that can be asked.
    Targets(BTreeMap<IpPrefix, Vec<TargetId>>),
}

/// What follows from a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// A witness answered a probe that began then: targets that waited for one go down, but those of its own network.
    Answered(Mono, Option<IpPrefix>),
    /// No witness answered: the checker is isolated from now on.
    Isolated,
    /// A witness answered: the checker is no longer isolated.
    Resumed,
}

impl Witnesses {
    /// Makes the witnesses of a setup: the references, else all probed targets by their networks.
    pub fn new(references: &[TargetId], probed: impl Iterator<Item = (TargetId, IpAddr)>) -> Self {
        Self { kind: Kind::of(references, probed), heard: Heard::default(), isolated: false, inquiry: None }
    }

    /// Takes the witnesses of another setup; who was heard, and whether the checker is isolated, stays known as long as
    /// there are witnesses. Whoever is being asked will be asked again.
    pub fn replace(&mut self, references: &[TargetId], probed: impl Iterator<Item = (TargetId, IpAddr)>) {
        self.kind = Kind::of(references, probed);
        self.inquiry = None;
        self.isolated &= self.kind != Kind::None;
    }

    /// Returns what guards a target on `address` against being taken down by silence.
    pub fn guard(&self, address: IpAddr) -> Guard {
        match self.kind {
            Kind::None => Guard::Off,
            Kind::References(_) | Kind::Targets(_) if self.isolated => Guard::Isolated,
            Kind::References(_) => Guard::Witnessed(self.heard.latest.map(|(_, began)| began)),
            Kind::Targets(_) => Guard::Witnessed(self.heard.but(network_of(address))),
        }
    }

    /// Begins an inquiry on behalf of a silent target, and returns who is to be probed at once: up to five witnesses, up
    /// ones first, of different networks. Asks nobody while an inquiry is under way or the checker is isolated.
    pub fn inquire(&mut self, silent: IpAddr, is_up: impl Fn(TargetId) -> bool, now: Mono) -> Vec<TargetId> {
        if self.inquiry.is_some() || self.isolated {
            return Vec::new();
        }
        let candidates: Vec<&[TargetId]> = match &self.kind {
            Kind::None => Vec::new(),
            Kind::References(references) => references.chunks(1).collect(),
            Kind::Targets(networks) => {
                let others = networks.iter().filter(|(network, _)| **network != network_of(silent));
                others.map(|(_, ids)| ids.as_slice()).collect()
            }
        };
        let up = candidates.iter().filter_map(|ids| ids.iter().copied().find(|id| is_up(*id)));
        let mut asked: Vec<TargetId> = up.take(INQUIRY).collect();
        let others =
            candidates.iter().filter_map(|ids| ids.first().copied().filter(|_| !ids.iter().any(|id| is_up(*id))));
        let missing = INQUIRY - asked.len();
        asked.extend(others.take(missing));
        if !asked.is_empty() {
            self.inquiry = Some(Inquiry { silent, since: now, waiting: asked.iter().copied().collect() });
        }
        asked
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
            Kind::Targets(_) => Some(network_of(address)),
        };
        if answered {
            self.heard.hear(network_of(address), began);
            self.inquiry.take_if(|i| began >= i.since && network != Some(network_of(i.silent)));
            if std::mem::take(&mut self.isolated) {
                return News::Resumed;
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

impl Heard {
    fn hear(&mut self, network: IpPrefix, began: Mono) {
        let newer = |than: Option<(IpPrefix, Mono)>| than.is_none_or(|(_, than)| began > than);
        if self.latest.is_some_and(|(own, _)| own == network) {
            self.latest = self.latest.map(|(own, than)| (own, than.max(began)));
        } else if newer(self.latest) {
            self.elsewhere = self.latest.replace((network, began));
        } else if newer(self.elsewhere) {
            self.elsewhere = Some((network, began));
        }
    }

    /// Returns the latest begin from any network but one.
    fn but(&self, network: IpPrefix) -> Option<Mono> {
        [self.latest, self.elsewhere].into_iter().flatten().find(|(own, _)| *own != network).map(|(_, began)| began)
    }
}

impl Kind {
    fn of(references: &[TargetId], probed: impl Iterator<Item = (TargetId, IpAddr)>) -> Self {
        if !references.is_empty() {
            return Self::References(references.to_vec());
        }
        let mut networks: BTreeMap<IpPrefix, Vec<TargetId>> = BTreeMap::new();
        for (id, address) in probed {
            let known = networks.entry(network_of(address)).or_default();
            if known.len() < ASKABLE {
                known.push(id);
            }
        }
        if networks.len() >= NETWORKS { Self::Targets(networks) } else { Self::None }
    }
}

/// Returns a network as witnesses count it: a /24 of IPv4, a /48 of IPv6.
pub fn network_of(address: IpAddr) -> IpPrefix {
    IpPrefix::around(address, 24, 48)
}

/// How many targets of one network can be asked.
const ASKABLE: usize = 16;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::table::RowId;

    fn ip(third: u8) -> IpAddr {
        [127, 0, third, 1].into()
    }

    /// One target in each of these networks.
    fn targets(thirds: &[u8]) -> impl Iterator<Item = (TargetId, IpAddr)> {
        thirds.iter().enumerate().map(|(index, third)| (id(index), ip(*third)))
    }

    fn id(index: usize) -> TargetId {
        TargetId::from_index(index)
    }

    fn at(secs: u64) -> Mono {
        Mono::START + Duration::from_secs(secs)
    }

    #[test]
    fn fewer_than_three_networks_guard_nobody() {
        let two = Witnesses::new(&[], targets(&[1, 1, 2]));
        assert_eq!(two.guard(ip(1)), Guard::Off);
        let three = Witnesses::new(&[], targets(&[1, 2, 3]));
        assert_eq!(three.guard(ip(1)), Guard::Witnessed(None));
    }

    #[test]
    fn only_other_networks_testify() {
        let mut witnesses = Witnesses::new(&[], targets(&[1, 2, 3]));
        witnesses.hear(id(0), ip(1), at(1), true);
        assert_eq!(witnesses.guard(ip(1)), Guard::Witnessed(None));
        assert_eq!(witnesses.guard(ip(2)), Guard::Witnessed(Some(at(1))));
    }

    #[test]
    fn with_references_nobody_else_testifies() {
        let mut witnesses = Witnesses::new(&[id(9)], targets(&[1, 2, 3]));
        witnesses.hear(id(0), ip(1), at(1), true);
        assert_eq!(witnesses.guard(ip(2)), Guard::Witnessed(None));
        witnesses.hear(id(9), ip(2), at(2), true);
        assert_eq!(witnesses.guard(ip(2)), Guard::Witnessed(Some(at(2))));
    }

    #[test]
    fn the_checker_is_isolated_when_all_asked_are_silent_and_thaws_with_the_first_answer() {
        let mut witnesses = Witnesses::new(&[], targets(&[1, 2, 3]));
        assert_eq!(witnesses.inquire(ip(1), |id| id.index() == 2, at(5)), [id(2), id(1)], "up ones first");
        assert_eq!(witnesses.inquire(ip(1), |_| true, at(6)), [], "once at a time");
        assert_eq!(witnesses.hear(id(1), ip(2), at(4), false), News::None, "began before it was asked");
        assert_eq!(witnesses.hear(id(1), ip(2), at(5), false), News::None);
        assert_eq!(witnesses.hear(id(2), ip(3), at(5), false), News::Isolated);
        assert_eq!(witnesses.guard(ip(1)), Guard::Isolated);
        assert_eq!(witnesses.hear(id(1), ip(2), at(9), true), News::Resumed);
        assert!(!witnesses.is_isolated());
    }

    #[test]
    fn an_answer_from_the_silent_ones_own_network_ends_no_inquiry() {
        let mut witnesses = Witnesses::new(&[], targets(&[1, 2, 3]));
        witnesses.inquire(ip(1), |_| true, at(5));
        witnesses.hear(id(0), ip(1), at(6), true);
        assert!(witnesses.is_inquiring());
        assert_eq!(witnesses.hear(id(3), ip(3), at(6), true), News::Answered(at(6), Some(network_of(ip(3)))));
        assert!(!witnesses.is_inquiring());
    }

    #[test]
    fn isolation_outlasts_a_reload_as_long_as_there_are_witnesses() {
        let mut witnesses = Witnesses::new(&[id(0)], targets(&[1]));
        witnesses.inquire(ip(9), |_| true, at(5));
        assert_eq!(witnesses.hear(id(0), ip(1), at(5), false), News::Isolated);
        witnesses.replace(&[], targets(&[1, 2, 3]));
        assert!(witnesses.is_isolated());
        witnesses.replace(&[], targets(&[1, 2]));
        assert!(!witnesses.is_isolated());
    }

    #[test]
    fn of_all_networks_two_are_enough_to_remember() {
        let heard = [(1, 5), (2, 9), (3, 7), (2, 8), (3, 9), (1, 10), (4, 1)];
        let mut witnesses = Witnesses::new(&[], targets(&[1, 2, 3, 4]));
        for (step, (third, began)) in heard.iter().enumerate() {
            witnesses.hear(id(0), ip(*third), at(*began), true);
            for own in 1..=4 {
                let others =
                    heard[..=step].iter().filter(|(third, _)| *third != own).map(|(_, began)| at(*began)).max();
                assert_eq!(witnesses.guard(ip(own)), Guard::Witnessed(others), "step {step}, network {own}");
            }
        }
    }
}

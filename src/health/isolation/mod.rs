//! Whether the checker itself is isolated: witnesses, and what their answers prove.
//!
//! *Witnesses* are the references of the config; else every other target. Without any on another address nobody is
//! guarded. What proves that the way to a silent target is there, if its probe began after the first failure did:
//!
//! | an answer, even "no", from | with references | else |
//! |---|---|---|
//! | a reference | yes | – |
//! | another address of its own network | yes | yes |
//! | another transport of its own address | yes | yes |
//! | any other target | no | yes |
//! | itself | no | no |
//!
//! A target of which no probe has ever told anything but faults of our own, as one of a family that the checker cannot
//! reach, is nobody's witness, unless it is a reference.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::machine::Guard;
use super::{FailKind, Outcome, TargetId};
use crate::base::clock::Mono;
use crate::base::prefix::IpPrefix;

/// How many witnesses are probed at once when silence must be explained.
pub const INQUIRY: usize = 5;

/// A target as witnesses count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A number that stays the same over reloads.
    pub number: u64,
    /// Its address.
    pub address: IpAddr,
    /// Its transport.
    pub transport: &'static str,
}

/// What a finished probe tells of the way to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// The far side was heard, were it with a no.
    Answer,
    /// Nothing was heard.
    Silence,
    /// Nothing can be told: a fault of the checker.
    Nothing,
}

/// Who may testify for whom, and when whom was last heard.
#[derive(Clone, Debug, Default)]
pub struct Witnesses {
    /// The references of the config; if there are none, all targets testify.
    references: Vec<(TargetId, Endpoint)>,
    /// Targets that can be asked, a few of each address and network.
    askable: BTreeMap<IpPrefix, Vec<(TargetId, Endpoint)>>,
    /// The addresses of targets of which a probe has told something.
    known: BTreeSet<IpAddr>,
    heard: Heard,
    /// Since when the checker is isolated.
    isolated: Option<Mono>,
    /// When it last ceased to be: what was asked before may have been lost on the way.
    resumed: Option<Mono>,
    inquiry: Option<Inquiry>,
}

/// When whom was heard: the latest begins of probes that were answered.
#[derive(Clone, Debug, Default)]
struct Heard {
    anybody: Latest<u64>,
    references: Latest<u64>,
    networks: BTreeMap<IpPrefix, Latest<IpAddr>>,
    addresses: BTreeMap<IpAddr, Latest<&'static str>>,
}

/// The latest begins of two different sources: enough to know for any source what came from others.
#[derive(Clone, Copy, Debug)]
struct Latest<K> {
    latest: Option<(K, Mono)>,
    other: Option<(K, Mono)>,
}

/// Witnesses asked on behalf of one silent target.
#[derive(Clone, Debug)]
struct Inquiry {
    /// The silent target.
    silent: Endpoint,
    /// When they were asked: probes that began before prove nothing.
    since: Mono,
    /// Those not heard of yet, by number.
    waiting: BTreeSet<u64>,
    /// Whether one of them was silent; faults of our own tell nothing.
    silence: bool,
}

/// What follows from a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// Somebody answered: [`Witnesses::proof`] may have changed for targets that wait for one.
    Answered,
    /// No witness answered: the checker is isolated from now on.
    Isolated,
    /// A witness answered: the checker is no longer isolated.
    Resumed,
}

impl Witnesses {
    /// Makes the witnesses of a setup: the references, else all probed targets.
    pub fn new(references: &[(TargetId, Endpoint)], probed: impl Iterator<Item = (TargetId, Endpoint)>) -> Self {
        let mut witnesses = Self::default();
        witnesses.replace(references, probed);
        witnesses
    }

    /// Takes the witnesses of another setup. Who was heard, whether the checker is isolated and who is being asked stays
    /// known, as long as there are witnesses.
    pub fn replace(&mut self, references: &[(TargetId, Endpoint)], probed: impl Iterator<Item = (TargetId, Endpoint)>) {
        self.references = references.to_vec();
        self.askable.clear();
        let (mut numbers, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for (id, endpoint) in probed {
            numbers.insert(endpoint.number);
            addresses.insert(endpoint.address);
            let row = self.askable.entry(network_of(endpoint.address)).or_default();
            let same = row.iter().filter(|(_, other)| other.address == endpoint.address).count();
            if row.len() < ASKABLE && same < ASKABLE_OF_ADDRESS {
                row.push((id, endpoint));
            }
        }
        self.known.retain(|address| addresses.contains(address));
        self.heard.networks.retain(|network, _| addresses.iter().any(|address| network_of(*address) == *network));
        self.heard.addresses.retain(|address, _| addresses.contains(address));
        self.inquiry.take_if(|inquiry| {
            inquiry.waiting.retain(|number| numbers.contains(number));
            inquiry.waiting.is_empty() || !numbers.contains(&inquiry.silent.number)
        });
        if self.references.is_empty() && self.known.len() < 2 {
            self.isolated = None;
        }
    }

    /// Returns what guards a target against being taken down by the silence of a probe that began at `began`.
    pub fn guard(&self, target: Endpoint, began: Mono) -> Guard {
        if !self.has_witness(target.address) {
            return Guard::Off;
        }
        let proof = self.proof(target);
        let cut_off = self.isolated.is_some_and(|since| proof.is_none_or(|proof| proof < since));
        // What was asked while the checker was isolated may have been lost on the way.
        if cut_off || self.resumed.is_some_and(|resumed| began < resumed) {
            return Guard::Isolated;
        }
        Guard::Witnessed(proof)
    }

    /// Returns the begin of the latest probe whose answer proves that the way to a target is there.
    pub fn proof(&self, target: Endpoint) -> Option<Mono> {
        if self.references.is_empty() {
            return self.heard.anybody.but(target.number);
        }
        let network = self.heard.networks.get(&network_of(target.address));
        let address = self.heard.addresses.get(&target.address);
        let proofs = [
            self.heard.references.but(target.number),
            network.and_then(|latest| latest.but(target.address)),
            address.and_then(|latest| latest.but(target.transport)),
        ];
        proofs.into_iter().flatten().max()
    }

    /// Begins an inquiry on behalf of a silent target, and returns who is to be probed at once: up to five witnesses, up
    /// ones first, of as many networks as can be. Asks nobody while an inquiry is under way or the checker is isolated.
    pub fn inquire(&mut self, silent: Endpoint, is_up: impl Fn(TargetId) -> bool, now: Mono) -> Vec<TargetId> {
        if self.inquiry.is_some() || self.isolated.is_some() {
            return Vec::new();
        }
        let mut candidates: Vec<(bool, usize, TargetId, Endpoint)> = Vec::new();
        let mut add = |row: &[(TargetId, Endpoint)], by_rank: bool| {
            let others = row.iter().filter(|(_, endpoint)| endpoint.number != silent.number);
            let (up, rest): (Vec<_>, Vec<_>) = others.partition(|(id, _)| is_up(*id));
            for (is_down, group) in [(false, up), (true, rest)] {
                let ranked = group.into_iter().enumerate();
                candidates.extend(ranked.map(|(rank, &(id, to))| (is_down, if by_rank { rank } else { 0 }, id, to)));
            }
        };
        if self.references.is_empty() {
            for row in self.askable.values() {
                let known = row.iter().copied().filter(|(_, endpoint)| self.known.contains(&endpoint.address));
                add(&known.collect::<Vec<_>>(), true);
            }
        } else {
            add(&self.references, false);
        }
        // Stable: within a rank in the order of the networks, or of the config.
        candidates.sort_by_key(|(is_down, rank, ..)| (*is_down, *rank));
        candidates.truncate(INQUIRY);
        if !candidates.is_empty() {
            let waiting = candidates.iter().map(|(.., endpoint)| endpoint.number).collect();
            self.inquiry = Some(Inquiry { silent, since: now, waiting, silence: false });
        }
        candidates.into_iter().map(|(_, _, id, _)| id).collect()
    }

    /// Returns whether an inquiry is under way.
    pub const fn is_inquiring(&self) -> bool {
        self.inquiry.is_some()
    }

    /// Takes in what a target's probe told that began at `began` and ended `now`.
    pub fn hear(&mut self, target: Endpoint, began: Mono, sound: Sound, now: Mono) -> News {
        if sound != Sound::Nothing {
            self.known.insert(target.address);
        }
        if sound == Sound::Answer {
            return self.hear_answer(target, began, now);
        }
        let Some(inquiry) = &mut self.inquiry else { return News::None };
        if began >= inquiry.since && inquiry.waiting.remove(&target.number) {
            inquiry.silence |= sound == Sound::Silence;
        }
        if !inquiry.waiting.is_empty() {
            return News::None;
        }
        let silence = inquiry.silence;
        self.inquiry = None;
        if !silence {
            return News::None;
        }
        self.isolated = Some(now);
        News::Isolated
    }

    fn hear_answer(&mut self, target: Endpoint, began: Mono, now: Mono) -> News {
        let is_witness =
            self.references.is_empty() || self.references.iter().any(|(_, other)| other.number == target.number);
        self.heard.hear(target, began, is_witness);
        if let Some(inquiry) = &self.inquiry
            && self.proof(inquiry.silent).is_some_and(|proof| proof >= inquiry.since)
        {
            self.inquiry = None;
        }
        if is_witness && self.isolated.take().is_some() {
            self.resumed = Some(now);
            return News::Resumed;
        }
        News::Answered
    }

    /// Returns whether the checker is isolated.
    pub const fn is_isolated(&self) -> bool {
        self.isolated.is_some()
    }

    /// Returns since when the checker is cut off, if it is.
    pub const fn isolated_since(&self) -> Option<Mono> {
        self.isolated
    }

    fn has_witness(&self, address: IpAddr) -> bool {
        if self.references.is_empty() {
            return self.known.iter().any(|other| *other != address);
        }
        self.references.iter().any(|(_, reference)| reference.address != address)
    }
}

impl Sound {
    /// Returns what an outcome tells of the way.
    pub const fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. } => Self::Answer,
            Outcome::Fail { kind: FailKind::Conclusive, .. } => Self::Answer,
            Outcome::Fail { kind: FailKind::Silent, .. } => Self::Silence,
            Outcome::Unknown(_) => Self::Nothing,
        }
    }
}

impl Heard {
    fn hear(&mut self, target: Endpoint, began: Mono, is_witness: bool) {
        let Endpoint { number, address, transport } = target;
        self.anybody.hear(number, began);
        if is_witness {
            self.references.hear(number, began);
        }
        self.networks.entry(network_of(address)).or_default().hear(address, began);
        self.addresses.entry(address).or_default().hear(transport, began);
    }
}

impl<K: Copy + PartialEq> Latest<K> {
    fn hear(&mut self, source: K, began: Mono) {
        let newer = |than: Option<(K, Mono)>| than.is_none_or(|(_, than)| began > than);
        if self.latest.is_some_and(|(own, _)| own == source) {
            self.latest = self.latest.map(|(own, than)| (own, than.max(began)));
        } else if newer(self.latest) {
            self.other = self.latest.replace((source, began));
        } else if newer(self.other) {
            self.other = Some((source, began));
        }
    }

    /// Returns the latest begin from any source but one.
    fn but(&self, source: K) -> Option<Mono> {
        [self.latest, self.other].into_iter().flatten().find(|(own, _)| *own != source).map(|(_, began)| began)
    }
}

impl<K> Default for Latest<K> {
    fn default() -> Self {
        Self { latest: None, other: None }
    }
}

/// Returns a network as witnesses count it: a /24 of IPv4, a /48 of IPv6.
fn network_of(address: IpAddr) -> IpPrefix {
    IpPrefix::around(address, 24, 48)
}

/// How many targets of one network can be asked.
const ASKABLE: usize = 32;
/// How many of them on one address.
const ASKABLE_OF_ADDRESS: usize = 4;

#[cfg(test)]
mod tests;

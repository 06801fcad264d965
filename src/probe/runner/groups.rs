//! Which targets share probes, and which are silent.
//!
//! A proxy that serves many domains on one port answers well or not at all, whatever the domain. So the targets that differ
//! in their domain alone ([`Check::sharing`](crate::probe::Check)) are a group: one of them is probed, the domains
//! in turn, and the outcome counts for all of them. Where each domain has its own certificate (TLS, XMPP), a group has six
//! domains at most.
//!
//! | outcome | for whom |
//! |---|---|
//! | pass; nothing heard; nobody met; the checker's own fault | the whole group |
//! | an answer that does not pass | the domain that was asked for, which is probed by itself until it passes; the others at once |

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::table::Table;
use crate::health::{FailKind, Outcome, TargetId};
use crate::probe::attempt::Sharing;
use crate::probe::{ProbeReport, Spec};

/// What makes a group: address, kind, transport, parameters without the domain, time-out.
type GroupKey = (SocketAddr, &'static str, &'static str, String, Duration);

/// The groups of a setup, and what is known of each target.
#[derive(Debug, Default)]
pub(super) struct Groups {
    rows: Table<TargetId, Row>,
    members: Vec<Vec<TargetId>>,
    /// When one of each group was last probed.
    last_probed: Vec<Option<Mono>>,
    addresses: BTreeMap<IpAddr, Loudness>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    address: Option<IpAddr>,
    group: Option<usize>,
    /// Its own domain was answered with a failure: it shares nothing until it passes.
    is_apart: bool,
    /// When its own domain was last probed.
    probed: Option<Mono>,
    /// Whether its server is handshaken with first, so that who hangs is left no request to read later.
    is_handshaken: bool,
    /// How many outcomes in a row were silence.
    silences: u32,
    /// Since when every outcome was a pass; nothing if the last one was none.
    well_since: Option<Mono>,
}

/// How many targets are on an address, and how many of them are mute or silent.
#[derive(Clone, Copy, Debug, Default)]
struct Loudness {
    targets: u32,
    mute: u32,
    /// Those that were silent last.
    silent: u32,
    /// How many of them are handshaken with first.
    handshaken: u32,
    /// How many probes all of them take, where those of a group share one.
    probes: u32,
}

impl Groups {
    /// Takes the targets of a new setup; `places` tells where those of the last one are now.
    pub(super) fn replace(
        &mut self,
        places: &Table<TargetId, Option<TargetId>>,
        targets: &Table<TargetId, Option<Arc<Spec>>>,
    ) {
        let former = std::mem::take(self);
        self.rows = targets.iter().map(|_| Row::default()).collect();
        for ((_, was), (_, place)) in former.rows.iter().zip(places.iter()) {
            if let Some(row) = place.and_then(|place| self.rows.get_mut(place)) {
                *row = Row { group: None, ..*was };
            }
        }
        let mut by_key: BTreeMap<GroupKey, (usize, Vec<TargetId>)> = BTreeMap::new();
        for (target, spec) in targets.iter() {
            let (Some(spec), Some(row)) = (spec, self.rows.get_mut(target)) else { continue };
            row.address = Some(spec.address.ip().to_canonical());
            row.is_handshaken = spec.check.transport() == "tls";
            if let Some(Sharing { parameters, domains }) = spec.check.sharing() {
                let key = (spec.address, spec.check.kind(), spec.check.transport(), parameters, spec.timeout);
                by_key.entry(key).or_insert_with(|| (domains, Vec::new())).1.push(target);
            }
        }
        let groups = by_key.values().flat_map(|(domains, members)| members.chunks(*domains));
        self.members = groups.filter(|members| members.len() > 1).map(<[TargetId]>::to_vec).collect();
        for (group, members) in self.members.iter().enumerate() {
            for &member in members {
                if let Some(row) = self.rows.get_mut(member) {
                    row.group = Some(group);
                }
            }
        }
        self.last_probed = vec![None; self.members.len()];
        let mut counted = BTreeSet::new();
        for (_, row) in self.rows.iter() {
            if let Some(address) = row.address {
                let loudness = self.addresses.entry(address).or_default();
                loudness.targets += 1;
                loudness.handshaken += u32::from(row.is_handshaken);
                loudness.probes += u32::from(row.group.is_none_or(|group| counted.insert(group)));
                loudness.mute += u32::from(row.is_mute());
                loudness.silent += u32::from(row.silences > 0);
            }
        }
    }

    /// Returns those that may share a probe of this target, itself among them, the one first whose domain has its turn.
    pub(super) fn sharing(&self, target: TargetId) -> Vec<TargetId> {
        let row = self.rows.get(target).copied().unwrap_or_default();
        let group = row.group.filter(|_| !row.is_apart).and_then(|group| self.members.get(group));
        let Some(members) = group else { return vec![target] };
        let together = |member: &TargetId| self.rows.get(*member).is_some_and(|row| !row.is_apart);
        let mut sharing: Vec<TargetId> = members.iter().copied().filter(together).collect();
        sharing.sort_by_key(|member| self.rows.get(*member).and_then(|row| row.probed));
        sharing
    }

    /// Returns whether a target is sent its datagrams again that have no answer: not if it was silent last, or many on its
    /// address were.
    pub(super) fn resends(&self, target: TargetId) -> bool {
        let row = self.rows.get(target).copied().unwrap_or_default();
        row.silences == 0 && row.address.is_none_or(|address| self.hushed(address).is_none())
    }

    /// Returns whether the last outcome of a target was a pass.
    pub(super) fn has_passed(&self, target: TargetId) -> bool {
        self.well_since(target).is_some()
    }

    /// Returns since when every outcome of a target was a pass.
    pub(super) fn well_since(&self, target: TargetId) -> Option<Mono> {
        self.rows.get(target).and_then(|row| row.well_since)
    }

    /// Returns whether all targets on an address are silent, and have been for long.
    pub(super) fn is_mute(&self, address: IpAddr) -> bool {
        let loudness = self.addresses.get(&address.to_canonical()).copied().unwrap_or_default();
        loudness.targets > 1 && loudness.mute == loudness.targets
    }

    /// Returns how many probes may start within a second on an address of which many targets were silent last: so many that
    /// all have had their turn within 8 s, and at least two.
    pub(super) fn hushed(&self, address: IpAddr) -> Option<usize> {
        let loudness = self.addresses.get(&address.to_canonical()).filter(|loudness| loudness.silent >= HUSHED)?;
        usize::try_from(loudness.probes / 8).ok().map(|share| share.max(2))
    }

    /// Returns before when a target is not to be probed, as its address is mute: others there tell that it answers again, and
    /// leave no request behind that it reads later.
    pub(super) fn not_before(&self, target: TargetId) -> Option<Mono> {
        let row = self.rows.get(target).filter(|row| !row.is_handshaken)?;
        let address = row.address.filter(|address| self.is_mute(*address))?;
        let others = self.addresses.get(&address)?.handshaken;
        let group = row.group.filter(|_| !row.is_apart);
        let last = group.map_or(row.probed, |group| self.last_probed.get(group).copied().flatten());
        last.filter(|_| others > 0).map(|last| last + REQUEST_PAUSE)
    }

    /// Returns the addresses of which all targets are silent.
    pub(super) fn mute_addresses(&self) -> Vec<IpAddr> {
        self.addresses.keys().copied().filter(|address| self.is_mute(*address)).collect()
    }

    /// Returns the targets on an address that do not share probes with each other: of each group the first.
    pub(super) fn apart_on(&self, address: IpAddr) -> Vec<TargetId> {
        let address = address.to_canonical();
        let mut groups = BTreeSet::new();
        let on = self.rows.iter().filter(|(_, row)| row.address == Some(address));
        let first = on.filter(|(_, row)| row.is_apart || row.group.is_none_or(|group| groups.insert(group)));
        first.map(|(target, _)| target).collect()
    }

    /// Notes that a domain is probed now.
    pub(super) fn begin(&mut self, target: TargetId, now: Mono) {
        if let Some(row) = self.rows.get_mut(target) {
            row.probed = Some(now);
            if let Some(last) = row.group.and_then(|group| self.last_probed.get_mut(group)) {
                *last = Some(now);
            }
        }
    }

    /// Notes how a probe of a target ended, its own or a shared one.
    pub(super) fn learn(&mut self, target: TargetId, report: &ProbeReport, own: bool) {
        let Some(row) = self.rows.get_mut(target) else { return };
        let (was_mute, was_silent) = (row.is_mute(), row.silences > 0);
        match &report.outcome {
            Outcome::Unknown(_) => {}
            Outcome::Fail { kind: FailKind::Silent, .. } => row.silences = row.silences.saturating_add(1),
            Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. } => row.silences = 0,
        }
        row.well_since = row.well_since.or(Some(report.began)).filter(|_| report.outcome == Outcome::Pass);
        if own {
            row.is_apart = row.group.is_some() && !is_shared(report);
        }
        if let Some(loudness) = row.address.and_then(|address| self.addresses.get_mut(&address)) {
            loudness.mute = loudness.mute - u32::from(was_mute) + u32::from(row.is_mute());
            loudness.silent = loudness.silent - u32::from(was_silent) + u32::from(row.silences > 0);
        }
    }
}

impl Row {
    const fn is_mute(&self) -> bool {
        self.silences >= MUTE
    }
}

/// Returns whether what a probe saw has nothing to do with the domain.
pub(super) fn is_shared(report: &ProbeReport) -> bool {
    match &report.outcome {
        Outcome::Pass | Outcome::Unknown(_) | Outcome::Fail { kind: FailKind::Silent, .. } => true,
        Outcome::Fail { kind: FailKind::Conclusive, .. } => report.met_nobody(),
        Outcome::Degraded(_) | Outcome::Drain { .. } => false,
    }
}

/// After so many silent outcomes in a row a target is mute: no sooner than it is down by default, so that a death is found as
/// fast as ever.
const MUTE: u32 = 3;

/// From request to request to a target of a mute address, where others are handshaken with.
const REQUEST_PAUSE: Duration = Duration::from_secs(30);

/// So many silent targets make a burst: as many as may start on an address within a second.
const HUSHED: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::table::RowId;
    use crate::probe::sip::Expect;
    use crate::probe::xmpp::Role;
    use crate::probe::{Check, Over, Sip, Tcp, Tls, Xmpp};

    const ADDRESS: &str = "127.0.0.1:5060";

    fn id(index: usize) -> TargetId {
        TargetId::from_index(index)
    }

    fn spec(check: Check) -> Option<Arc<Spec>> {
        let address = ADDRESS.parse().unwrap();
        Some(Arc::new(Spec { address, check: Arc::new(check), timeout: Duration::from_secs(2), watch: None }))
    }

    fn sip(domain: &str, over: Over) -> Check {
        Check::Sip(Sip::new(domain.to_owned(), over))
    }

    fn report(outcome: Outcome) -> ProbeReport {
        ProbeReport { outcome, ..ProbeReport::broken(Mono::START, Duration::ZERO, String::new()) }
    }

    fn fail(kind: FailKind, cause: &'static str) -> ProbeReport {
        report(Outcome::Fail { kind, cause: cause.into() })
    }

    fn groups() -> Groups {
        let strict = Sip { expect: Expect::strict(), ..Sip::new("d.example".to_owned(), Over::Udp) };
        let targets = [
            spec(sip("a.example", Over::Udp)),
            spec(sip("b.example", Over::Udp)),
            spec(sip("c.example", Over::Udp)),
            spec(sip("a.example", Over::Tcp)),
            spec(Check::Sip(strict)),
            spec(Check::Tcp(Tcp::default())),
            None,
        ];
        let mut groups = Groups::default();
        groups.replace(&Table::new(), &targets.into_iter().collect());
        groups
    }

    #[test]
    fn domains_of_one_port_and_transport_have_turns_and_others_stay_alone() {
        let mut groups = groups();
        let at = |secs| Mono::START + Duration::from_secs(secs);
        for (index, turn) in [0, 1, 2, 0, 1].into_iter().enumerate() {
            let sharing = groups.sharing(id(1));
            assert_eq!((sharing.len(), sharing[0]), (3, id(turn)));
            groups.begin(id(turn), at(u64::try_from(index).unwrap()));
        }
        for alone in 3..7 {
            assert_eq!(groups.sharing(id(alone)), [id(alone)]);
        }
    }

    #[test]
    fn domains_with_certificates_of_their_own_share_by_six() {
        let domain = |index: usize| format!("d{index}.example");
        let tls = |index| spec(sip(&domain(index), Over::Tls(Tls::new(domain(index)))));
        let client = |index| spec(Check::Xmpp(Xmpp::new(Role::Client, false, Tls::new(domain(index)))));
        let server = |index| spec(Check::Xmpp(Xmpp::new(Role::Server, false, Tls::new(domain(index)))));
        let targets = (0..40).map(tls).chain((0..40).map(client)).chain((0..40).map(server));
        let mut groups = Groups::default();
        groups.replace(&Table::new(), &targets.collect());
        let sizes: Vec<usize> = (0..120).map(|index| groups.sharing(id(index)).len()).collect();
        for port in sizes.chunks(40) {
            assert_eq!(port, [[6; 36].as_slice(), &[4; 4]].concat());
        }
        // Each has its turn at least every sixth time.
        let mut asked = [0; 6];
        for turn in 0..12 {
            let next = groups.sharing(id(3))[0];
            asked[next.index()] += 1;
            groups.begin(next, Mono::START + Duration::from_secs(turn));
        }
        assert_eq!(asked, [2; 6]);
    }

    #[test]
    fn an_answer_that_fails_is_of_its_domain_and_silence_and_refusal_are_of_all() {
        let mut groups = groups();
        let refused = fail(FailKind::Conclusive, "connection refused");
        let answered = fail(FailKind::Conclusive, "answered 503 Service Unavailable");
        for (shared, report) in [
            (true, report(Outcome::Pass)),
            (true, fail(FailKind::Silent, "no answer within 2s")),
            (true, refused),
            (false, answered.clone()),
            (false, report(Outcome::Degraded("answered 486".into()))),
        ] {
            assert_eq!(is_shared(&report), shared, "{report:?}");
        }
        groups.learn(id(1), &answered, true);
        assert_eq!((groups.sharing(id(0)).len(), groups.sharing(id(1))), (2, vec![id(1)]));
        groups.learn(id(1), &report(Outcome::Pass), true);
        assert_eq!(groups.sharing(id(1)).len(), 3);
    }

    #[test]
    fn an_address_is_mute_once_all_its_targets_were_silent_three_times() {
        let mut groups = groups();
        let (address, silence) = (ADDRESS.parse::<SocketAddr>().unwrap().ip(), fail(FailKind::Silent, "no answer"));
        for round in 0..3 {
            assert!(!groups.is_mute(address), "{round}");
            for target in 0..6 {
                assert!(round == 0 || !groups.resends(id(target)));
                groups.learn(id(target), &silence, true);
            }
        }
        assert!(
            groups.is_mute(address)
                && groups.mute_addresses() == [address]
                && groups.apart_on(address) == [0, 3, 4, 5].map(id)
        );
        groups.learn(id(3), &report(Outcome::Unknown("no descriptors".into())), true);
        assert!(groups.is_mute(address), "our own fault says nothing");
        groups.learn(id(3), &fail(FailKind::Conclusive, "connection refused"), true);
        assert!(!groups.is_mute(address) && !groups.resends(id(3)), "five are silent still");
        assert_eq!(groups.hushed(address), Some(2));
        groups.learn(id(4), &report(Outcome::Pass), true);
        assert!(groups.hushed(address).is_none() && groups.resends(id(3)) && !groups.resends(id(0)));
    }
}

//! Runs the engine's core without probes, over what the state folder holds or what is assumed.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::base::clock::{Now, UnixTime};
use crate::base::duration::write_short;
use crate::base::nearest::{nearest, tolerance};
use crate::config::{Running, StateSettings};
use crate::daemon::{engine_entries, kept_addresses};
use crate::engine::memory::Restored;
use crate::engine::setup::{MemberData, Setup, TargetKey};
use crate::engine::{Core, Prepared};
use crate::health::TargetId;
use crate::health::orders::Scope;
use crate::snapshot::{Lookup, Node, Snapshot};
use crate::store;
use crate::zone::{Name, Rtype};

/// What is believed of the targets, and from where.
#[derive(Debug, Default)]
pub(super) struct Belief {
    restored: Restored,
    /// Where it comes from, in a sentence for people.
    pub(super) told: String,
    /// Whether there is state of a run.
    pub(super) kept: bool,
}

/// Which targets a command's `--down` means.
#[derive(Debug, Default)]
pub(super) struct Assumed {
    /// The targets.
    pub(super) targets: BTreeSet<TargetId>,
    /// The words that mean none.
    pub(super) unknown: Vec<String>,
}

impl Belief {
    /// Reads the state folder; without one, or if it cannot be read, every target is taken as up.
    pub(super) fn read(state: &StateSettings, now: Now) -> Self {
        let none = |told: String| Self { told: format!("every target is taken as up: {told}"), ..Self::default() };
        let Some(folder) = &state.folder else { return none("no state is kept".to_owned()) };
        let name = folder.display();
        let entries = match store::read(folder) {
            Ok(entries) => entries,
            Err(error) => return none(format!("{error}")),
        };
        let (restored, _) = Restored::read(engine_entries(&entries), state.max_age);
        if restored.is_empty() {
            return none(format!("there is no state in {name}"));
        }
        let age = restored.alive().map(|at| now.wall.since(at));
        let told = match age {
            Some(age) if age > state.max_age => {
                format!("from the state in {name}, {} old: too old to know the targets (max-age)", write_short(age))
            }
            Some(age) => format!("from the state in {name}, {} old", write_short(age)),
            None => format!("from the state in {name}"),
        };
        Self { restored, told, kept: true }
    }

    /// Returns since when a target is believed to be as it is, if a run has noted it.
    pub(super) fn since(&self, key: &TargetKey) -> Option<UnixTime> {
        self.restored.since(key)
    }

    /// Makes a core that believes this, and that those assumed to be down are.
    pub(super) fn core(&mut self, setup: &Setup, down: &BTreeSet<TargetId>, now: Now) -> Core {
        for (id, target) in setup.targets.iter() {
            if down.contains(&id) || !self.kept {
                self.restored.assume(&target.key, !down.contains(&id), now.wall);
            }
        }
        let mut setup = setup.clone();
        // What is assumed counts also where `probe-allow` forbids to look.
        down.iter().for_each(|&id| setup.targets[id].probed = true);
        Core::new(Prepared::new(setup), &self.restored, now)
    }
}

/// Takes the addresses of hosts outside of the zones that the last run knew: offline, nobody is asked.
pub(super) fn recall(running: &mut Running) {
    if running.outside.hosts.is_empty() {
        return;
    }
    let kept = running.state.folder.as_deref().and_then(|folder| store::read(folder).ok());
    drop(running.resolve(&kept_addresses(&kept.unwrap_or_default())));
}

/// Finds the targets that words such as `sip-node1`, `sip-node1.example.com:5060` or `192.0.2.1` mean.
pub(super) fn find(setup: &Setup, words: &[String]) -> Assumed {
    let mut assumed = Assumed::default();
    for word in words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()) {
        let found = Scope::parse(word).map(|scope| matching(setup, &scope)).unwrap_or_default();
        if found.is_empty() {
            assumed.unknown.push(word.to_owned());
        }
        assumed.targets.extend(found);
    }
    assumed
}

fn matching(setup: &Setup, scope: &Scope) -> BTreeSet<TargetId> {
    let origins: Vec<String> = setup.zones.iter().map(|(_, zone)| bare(&zone.origin)).collect();
    let mut found = BTreeSet::new();
    for (_, pool) in setup.pools.iter() {
        for member in &pool.members {
            let (host, port) = match &member.data {
                MemberData::Srv { port, host } => (bare(host), Some(*port)),
                MemberData::Address(_) => (pool.name.trim_end_matches('.').to_ascii_lowercase(), None),
            };
            for &id in &member.targets {
                let key = &setup.targets[id].key;
                if means(scope, &host, key.address, port.unwrap_or(key.port), &origins) {
                    found.insert(id);
                }
            }
        }
    }
    found
}

/// A host may be named in full, or by what stands before its zone's origin.
fn means(scope: &Scope, host: &str, address: IpAddr, port: u16, origins: &[String]) -> bool {
    match scope {
        Scope::Host(name, only) => {
            let full = origins.iter().map(|origin| format!("{name}.{origin}"));
            (name == host || full.into_iter().any(|full| full == host)) && only.is_none_or(|only| only == port)
        }
        Scope::Address(..) => scope.covers(host, Some(address), port),
    }
}

/// Returns what would be right for a word of `--down` that means nothing.
pub(super) fn suggest_target(running: &Running, word: &str) -> String {
    let mut known = BTreeSet::new();
    for (_, pool) in running.setup.pools.iter() {
        for member in pool.members.iter().filter(|member| !member.targets.is_empty()) {
            let host = member.label.rsplit_once(':').map_or(member.label.as_str(), |(host, _)| host);
            known.insert(host.to_owned());
            known.extend(host.split_once('.').map(|(first, _)| first.to_owned()));
            known.extend(member.targets.iter().map(|id| running.setup.targets[*id].key.address.to_string()));
        }
    }
    match nearest_name(word, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "no target of these zones is tested: nothing can be down".to_owned(),
        None => {
            let some: Vec<&str> =
                known.iter().map(String::as_str).filter(|name| name.contains('.')).take(FEW).collect();
            format!("name a host, an address, or host:port, such as {}", some.join(", "))
        }
    }
}

/// Returns the name that differs least from a word, if one is near enough to be meant.
pub(super) fn nearest_name<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    nearest(&word, names.take(MOST_COMPARED), tolerance(&word))
}

/// Returns the records of one effective set, as in a zone file.
pub(super) fn records(snapshot: &Snapshot, owner: &Name, rtype: Rtype) -> Vec<String> {
    match snapshot.lookup(owner.wire(), rtype) {
        Lookup::Exact(_, node) => lines(node, owner, Some(rtype)),
        Lookup::Outside
        | Lookup::Broken
        | Lookup::Wildcard(..)
        | Lookup::Missing(..)
        | Lookup::Delegated(..)
        | Lookup::Renamed(..) => Vec::new(),
    }
}

/// Returns the records of a node, all or those of one type, as in a zone file and with this owner.
pub(super) fn lines(node: Node<'_>, owner: &Name, rtype: Option<Rtype>) -> Vec<String> {
    let mut lines = Vec::new();
    for set in node.sets().filter(|set| rtype.is_none_or(|only| only == set.rtype())) {
        for rdata in set.rdatas() {
            let data = crate::zone::write::rdata_text(set.rtype(), rdata);
            lines.push(format!("{owner} {} IN {} {data}", set.ttl(), set.rtype()));
        }
    }
    lines
}

fn bare(name: &Name) -> String {
    name.to_lower().to_string().trim_end_matches('.').to_owned()
}

/// How many names are told as examples.
const FEW: usize = 6;
/// The most names that a misspelt one is compared with.
const MOST_COMPARED: usize = 10_000;

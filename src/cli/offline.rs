//! Runs the engine's core without probes, over what a running server says, what the state folder holds or what is assumed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::view::{MemoryView, TargetView};
use crate::base::clock::{Now, UnixTime};
use crate::base::duration::write_short;
use crate::base::error::Chain;
use crate::base::finding::{Finding, Severity};
use crate::base::nearest::{nearest, tolerance};
use crate::config::{Input, Running, StateSettings};
use crate::daemon::{engine_entries, kept_addresses, kept_socket};
use crate::engine::memory::Restored;
use crate::engine::setup::{MemberData, Setup, TargetKey};
use crate::engine::{Core, Prepared};
use crate::health::TargetId;
use crate::health::orders::Scope;
use crate::snapshot::{Lookup, Node, Snapshot, WeightedSet};
use crate::store::{self, OpenError};
use crate::zone::{Name, Rtype};

use super::paint::Tone;
use super::remote::Remote;
use super::{USAGE, input};

/// What is believed of the targets, and from where.
#[derive(Clone, Debug, Default)]
pub(super) struct Belief {
    restored: Restored,
    /// The targets that are assumed to be down.
    down: BTreeSet<TargetId>,
    /// What a running server says of its targets, by their names.
    targets: BTreeMap<String, TargetView>,
    /// Where it comes from.
    pub(super) source: Source,
    /// Where it comes from, in a sentence for people.
    pub(super) told: String,
}

/// Where a belief comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Source {
    /// From nowhere: every target is assumed to be up.
    #[default]
    Assumed,
    /// From the running server itself.
    Server {
        /// For how long the server has been isolated, if it is.
        isolated: Option<Duration>,
    },
    /// From the state folder.
    State {
        /// Whether a server uses the folder now.
        running: bool,
        /// How long ago the server was heard of last.
        age: Option<Duration>,
        /// For how long the server has been isolated, if it is.
        isolated: Option<Duration>,
    },
}

/// Which targets a command's `--down` means.
#[derive(Debug, Default)]
pub(super) struct Assumed {
    /// The targets.
    pub(super) targets: BTreeSet<TargetId>,
    /// The words that mean none.
    pub(super) unknown: Vec<String>,
}

/// Reads what is to be served, and what is believed of it; what is wrong is printed. A running server that tests nothing
/// serves all as declared, whatever the files would have tested.
///
/// # Errors
/// The exit code, when everything is said.
pub(super) fn load(from: &Input, now: Now) -> Result<(Running, Belief), ExitCode> {
    let mut running = input::load(from)?;
    recall(&mut running);
    input::tell(&running.findings, Severity::Error);
    let mut belief = Belief::read(&running.state, now).map_err(|finding| {
        input::tell(&[*finding], Severity::Error);
        ExitCode::from(USAGE)
    })?;
    let tests_nothing = matches!(belief.source, Source::Server { .. }) && belief.targets.is_empty();
    if tests_nothing && !running.setup.targets.is_empty() {
        running = input::load(&Input { fixed: true, ..from.clone() })?;
        belief.told += "; it tests nothing, and serves every set as declared";
    }
    Ok((running, belief))
}

impl Belief {
    /// Reads the state folder; without one, or if nothing is in it, every target is assumed to be up.
    ///
    /// # Errors
    /// If there is state that cannot be read: what runs is not known then, and nothing is assumed instead.
    pub(super) fn read(state: &StateSettings, now: Now) -> Result<Self, Box<Finding>> {
        let assume = |why: String| Self {
            told: format!("assumed, not measured: every target is up, as {why}"),
            ..Self::default()
        };
        let Some(folder) = &state.folder else { return Ok(assume("no state is kept".to_owned())) };
        let name = folder.display();
        let entries = store::read(folder).map_err(|error| Box::new(unreadable(&error)))?;
        let is_running = store::in_use(folder);
        if let Some(belief) = kept_socket(&entries).filter(|_| is_running).and_then(|at| Self::ask(&at, state, now)) {
            return Ok(belief);
        }
        let (restored, strange) = Restored::read(engine_entries(&entries), state.max_age);
        if let Some(key) = strange.first() {
            let message = format!("{} values in {name} cannot be read, such as {key}", strange.len());
            return Err(Box::new(Finding::error("state-unreadable", message).help(ASSUME)));
        }
        if restored.is_empty() {
            return Ok(assume(format!("there is no state in {name}")));
        }
        let age = restored.alive().map(|at| now.wall.since(at));
        let isolated = restored.isolated().map(|at| now.wall.since(at));
        let running = is_running;
        let old = age.map_or_else(|| "of unknown age".to_owned(), |age| format!("{} old", write_short(age)));
        let mut told = match running {
            true => format!("as the running server noted it in {name}, at most {old}"),
            false => format!("NO SERVER RUNS on {name}: this is the state that one has left, {old}"),
        };
        if age.is_none_or(|age| age > state.max_age) {
            told += ", too old to know the targets (`max-age`)";
        }
        if let Some(isolated) = isolated.filter(|_| running) {
            told += &format!("; isolated for {}: silent failures do not count", write_short(isolated));
        }
        let source = Source::State { running, age, isolated: isolated.filter(|_| running) };
        Ok(Self { restored: restored.as_picture(), source, told, ..Self::default() })
    }

    /// Asks a running server; nothing if it does not say, or of another version.
    fn ask(socket: &Path, state: &StateSettings, now: Now) -> Option<Self> {
        let memory: MemoryView = Remote::at(socket).ok()?.get("/v1/memory").ok()?;
        let written = |(key, value): (String, Value)| (key, value.to_string().into_bytes());
        let kept: BTreeMap<String, Vec<u8>> = memory.kept.into_iter().map(written).collect();
        let (restored, strange) = Restored::read(&kept, state.max_age);
        if !strange.is_empty() {
            return None;
        }
        let isolated = restored.isolated().map(|at| now.wall.since(at));
        let mut told = format!("as the running server says it now, by {}", socket.display());
        if let Some(isolated) = isolated {
            told += &format!("; isolated for {}: silent failures do not count", write_short(isolated));
        }
        let targets = memory.targets.into_iter().map(|target| (target.target.clone(), target)).collect();
        let source = Source::Server { isolated };
        Some(Self { restored: restored.as_picture(), targets, source, told, ..Self::default() })
    }

    /// Returns what a running server says of a target.
    pub(super) fn live(&self, key: &TargetKey) -> Option<&TargetView> {
        self.targets.get(&key.to_string())
    }

    /// Returns whether there is state of a run.
    pub(super) fn is_kept(&self) -> bool {
        self.source != Source::Assumed
    }

    /// Returns whether the state of this target is assumed.
    pub(super) fn assumes(&self, id: TargetId) -> bool {
        !self.is_kept() || self.down.contains(&id)
    }

    /// Returns since when a target is believed to be as it is, if a run has noted it.
    pub(super) fn since(&self, key: &TargetKey) -> Option<UnixTime> {
        self.restored.since(key)
    }

    /// Makes a core that believes this, and that those assumed to be down are.
    pub(super) fn core(&mut self, setup: &Setup, down: &BTreeSet<TargetId>, now: Now) -> Core {
        for (id, target) in setup.targets.iter() {
            if down.contains(&id) || !self.is_kept() {
                self.restored.assume(&target.key, !down.contains(&id), now.wall);
            }
        }
        self.down.clone_from(down);
        let mut setup = setup.clone();
        // What is assumed counts also where `probe-allow` forbids to look.
        down.iter().for_each(|&id| setup.targets[id].barrier = None);
        Core::new(Prepared::new(setup), &self.restored, now)
    }

    /// Returns how a terminal shows where it comes from: what is no picture of a running server stands out.
    pub(super) const fn tone(&self) -> Tone {
        match self.source {
            Source::Server { isolated: None } | Source::State { running: true, isolated: None, .. } => Tone::Dim,
            Source::Assumed | Source::Server { .. } | Source::State { .. } => Tone::Soso,
        }
    }

    /// Returns where it comes from, for programs.
    pub(super) fn json(&self) -> Value {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        match self.source {
            Source::Assumed => json!({ "from": "assumed" }),
            Source::Server { isolated } => {
                json!({ "from": "server", "running": true, "isolated_ms": isolated.map(millis) })
            }
            Source::State { running, age, isolated } => json!({
                "from": "state", "running": running, "age_ms": age.map(millis), "isolated_ms": isolated.map(millis),
            }),
        }
    }
}

fn unreadable(error: &OpenError) -> Finding {
    Finding::error("state-unreadable", Chain(error).to_string()).help(ASSUME)
}

/// What helps when state cannot be read.
const ASSUME: &str = "run it as a user who may read the state folder, or with `--state none` to assume that all is up";

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
                MemberData::Alias(host) => (bare(host), None),
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
        let all = node.set(set.rtype()).and_then(|set| set.weighted()).map_or(set, WeightedSet::all);
        for rdata in all.rdatas() {
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

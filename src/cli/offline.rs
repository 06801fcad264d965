//! Runs the engine's core without probes, over what the state folder holds or what is supposed.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::base::clock::Now;
use crate::config::Running;
use crate::engine::memory::Restored;
use crate::engine::setup::{MemberData, Setup};
use crate::engine::{Core, Prepared};
use crate::health::TargetId;
use crate::health::orders::Scope;
use crate::store;

/// Which targets a command's `--down` means.
#[derive(Debug, Default)]
pub(super) struct Supposed {
    /// The targets.
    pub(super) targets: BTreeSet<TargetId>,
    /// The words that mean none.
    pub(super) unknown: Vec<String>,
}

/// Finds the targets that words such as `sip-node1`, `sip-node1.example.com:5060` or `192.0.2.1` mean.
pub(super) fn find(setup: &Setup, words: &[String]) -> Supposed {
    let mut supposed = Supposed::default();
    for word in words {
        let found = Scope::parse(word).map(|scope| matching(setup, &scope)).unwrap_or_default();
        if found.is_empty() {
            supposed.unknown.push(word.clone());
        }
        supposed.targets.extend(found);
    }
    supposed
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

/// Reads what the state folder holds; a folder that is missing or cannot be read holds nothing.
pub(super) fn restored(running: &Running) -> Restored {
    let kept = running.state.folder.as_deref().and_then(|dir| store::read(dir).ok()).unwrap_or_default();
    Restored::read(&kept, running.state.max_age).0
}

/// Makes a core that believes what `restored` holds, all other targets up, and those supposed to be down, down.
pub(super) fn core(running: &Running, mut restored: Restored, down: &BTreeSet<TargetId>, now: Now) -> Core {
    let fresh = restored.is_empty();
    for (id, target) in running.setup.targets.iter() {
        if down.contains(&id) || (fresh && target.probed) {
            restored.suppose(&target.key, !down.contains(&id), now.wall);
        }
    }
    Core::new(Prepared::new(running.setup.clone()), &restored, now)
}

fn bare(name: &crate::zone::Name) -> String {
    name.to_lower().to_string().trim_end_matches('.').to_owned()
}

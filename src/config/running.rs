//! The result of loading: the settings of every room, with all references resolved.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::admin::hooks::Hook;
use crate::base::clock::UnixTime;
use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::engine::setup::Setup;
use crate::health::TargetId;
use crate::probe::Spec;
use crate::probe::allow::Access;
use crate::resolve::{Addresses, ResolveRequest};
use crate::serve::{self, Identity, Secrets};
use crate::transfer::inbound;
use crate::transfer::notify::Recipients;
use crate::zone::Name;

use super::lower::LoweringInput;
use super::settings::{ServerSettings, StateSettings};

/// All that a start or a reload needs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Listeners and process (`[server]`).
    pub server: ServerSettings,
    /// What is kept over restarts (`[state]`).
    pub state: StateSettings,
    /// How queries are answered (`[server]`, `[limits]`, `[[zone]]`).
    pub serve: serve::Settings,
    /// Who is told of new versions of zones (`[[zone]]`).
    pub notify: BTreeMap<Name, Recipients>,
    /// Where zones come from that have no file (`[[zone]]`).
    pub primaries: inbound::Settings,
    /// Where each of them is kept, and when what is kept was the newest version.
    pub kept: HashMap<Name, KeptZone>,
    /// The secrets of cookies; nothing: random ones.
    pub secrets: Option<Secrets>,
    /// What the encrypted listeners show.
    pub identity: Option<Identity>,
    /// Who is told what happens (`[[hook]]`).
    pub hooks: Vec<Hook>,
    /// What the engine runs.
    pub setup: Setup,
    /// For each target of the setup how it is probed; nothing for one that may not be probed.
    pub specs: Table<TargetId, Option<Spec>>,
    /// Which addresses may be probed (`probe-allow`, `probe-deny`).
    pub access: Access,
    /// The hosts outside of the zones, and the resolver to ask for them. [`Running::resolve`] makes targets of the answer.
    pub outside: ResolveRequest,
    /// What the setup was made from.
    pub lowering_input: Arc<LoweringInput>,
    /// Findings that do not stop a start: warnings and notes, and the errors of zones that are answered SERVFAIL.
    pub findings: Vec<Finding>,
    /// The zones that stay in their last good version, as their files are broken now.
    pub stale: Vec<StaleZone>,
    /// How many findings of the lint are left out, as they are meant so.
    pub allowed: usize,
    /// The files that were read, for a watcher; the config first.
    pub files: Vec<PathBuf>,
    /// The origin of each zone file.
    pub origins: HashMap<PathBuf, Name>,
}

/// Where a zone from primaries is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptZone {
    /// The file.
    pub file: PathBuf,
    /// When what is in it was the newest version; nothing if there is nothing, or if it has expired.
    pub fresh_at: Option<UnixTime>,
    /// Whether it is a catalog.
    pub is_catalog: bool,
    /// If a catalog lists it, the name of its entry there.
    pub catalog_entry: Option<Name>,
}

/// A zone that stays in its last good version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleZone {
    /// Its origin.
    pub origin: Name,
    /// Where its file is broken: file, line and column.
    pub place: String,
}

impl Running {
    /// Makes the setup anew with the addresses of hosts outside of the zones; returns what is found by it only.
    pub fn resolve(&mut self, addresses: &Addresses) -> Vec<Finding> {
        let lowered = self.lowering_input.lower(addresses);
        (self.setup, self.specs) = (lowered.setup, lowered.specs);
        let new: Vec<Finding> = lowered.findings.into_iter().filter(|found| !self.findings.contains(found)).collect();
        self.findings.extend(new.iter().cloned());
        new
    }
}

//! What the files come to: the settings of every room, with all references resolved.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::engine::setup::Setup;
use crate::health::TargetId;
use crate::probe::Spec;
use crate::probe::allow::Access;
use crate::resolve::{Addresses, Wanted};
use crate::serve::{self, Identity, Secrets};
use crate::zone::Name;

use super::lower::Recipe;

/// All that a start or a reload needs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Doors and process (`[server]`).
    pub server: ServerSettings,
    /// What is kept over restarts (`[state]`).
    pub state: StateSettings,
    /// How queries are answered (`[server]`, `[limits]`, `[[zone]]`).
    pub serve: serve::Settings,
    /// The secrets of cookies; nothing: random ones.
    pub secrets: Option<Secrets>,
    /// What the encrypted doors show.
    pub identity: Option<Identity>,
    /// What the engine runs.
    pub setup: Setup,
    /// For each target of the setup how it is probed; nothing for one that may not be probed.
    pub specs: Table<TargetId, Option<Spec>>,
    /// Which addresses may be probed (`allow`, `deny`).
    pub access: Access,
    /// The hosts outside of the zones, and the resolver to ask for them. [`Running::resolve`] makes targets of the answer.
    pub outside: Wanted,
    /// What the setup was made from.
    pub recipe: Arc<Recipe>,
    /// Findings that do not stop a start: warnings and notes, and the errors of zones that are answered SERVFAIL.
    pub notes: Vec<Finding>,
    /// The files that were read, for a watcher; the config first.
    pub files: Vec<PathBuf>,
    /// The origin of each zone file.
    pub origins: HashMap<PathBuf, Name>,
}

impl Running {
    /// Makes the setup anew with the addresses of hosts outside of the zones; returns what is found by it only.
    pub fn resolve(&mut self, addresses: &Addresses) -> Vec<Finding> {
        let lowered = self.recipe.lower(addresses);
        (self.setup, self.specs) = (lowered.setup, lowered.specs);
        let new: Vec<Finding> = lowered.findings.into_iter().filter(|found| !self.notes.contains(found)).collect();
        self.notes.extend(new.iter().cloned());
        new
    }
}

/// Doors and process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where UDP and TCP are answered.
    pub listen: Vec<SocketAddr>,
    /// Whether `listen` is the default: then a missing address family is left out with a note.
    pub listen_is_default: bool,
    /// Where DNS over TLS is answered.
    pub tls_listen: Vec<SocketAddr>,
    /// Where DNS over HTTPS is answered.
    pub https_listen: Vec<SocketAddr>,
    /// Where DNS over QUIC is answered.
    pub quic_listen: Vec<SocketAddr>,
    /// The number of threads that answer.
    pub workers: Workers,
    /// The most connections at once, of all transports that have them.
    pub tcp_limit: u32,
    /// The most connections at once of one client.
    pub tcp_limit_per_client: u32,
    /// How long an idle connection is kept.
    pub tcp_idle: Duration,
    /// Whether a broken zone refuses the start.
    pub strict_zones: bool,
    /// Where metrics and readiness are told over HTTP.
    pub metrics_listen: Option<SocketAddr>,
}

/// The number of threads that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One for each core.
    Auto,
    /// So many.
    Count(NonZeroUsize),
}

/// What is kept over restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSettings {
    /// The folder; nothing: nothing is kept.
    pub folder: Option<PathBuf>,
    /// Up to which age stored health counts.
    pub max_age: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: super::load::DEFAULT_LISTEN.to_vec(),
            listen_is_default: true,
            tls_listen: Vec::new(),
            https_listen: Vec::new(),
            quic_listen: Vec::new(),
            workers: Workers::Auto,
            tcp_limit: 1000,
            tcp_limit_per_client: 20,
            tcp_idle: Duration::from_secs(10),
            strict_zones: false,
            metrics_listen: None,
        }
    }
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { folder: None, max_age: Duration::from_secs(300) }
    }
}

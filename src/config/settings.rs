//! The settings that belong to no other room: listeners and process, persistence, testing of targets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::prefix::IpPrefix;
use crate::serve::{Frame, PerTransport};

use super::values::{Reference, Resolver};

/// Listeners and process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where the listeners are opened that have none: UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// Whether `listen` is the default: then a missing address family is left out with a note.
    pub listen_is_default: bool,
    /// Where the listeners are opened that have addresses of their own.
    pub own_listen: PerTransport<Vec<SocketAddr>>,
    /// Whose listeners answer.
    pub frame: Frame,
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
    /// When the server counts as ready.
    pub ready: Ready,
    /// Where metrics and readiness are told over HTTP.
    pub metrics_listen: Option<SocketAddr>,
}

/// When the server counts as ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// As long as one zone is served.
    AnyZone,
    /// If no zone is broken, and none is served in an older version.
    EveryZone,
}

/// The number of threads that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One for each core.
    Auto,
    /// So many.
    Count(NonZeroUsize),
}

impl Workers {
    /// Returns how many there are on this machine.
    pub fn count(self) -> NonZeroUsize {
        match self {
            Self::Auto => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            Self::Count(count) => count,
        }
    }
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
            listen: DEFAULT_LISTEN.to_vec(),
            listen_is_default: true,
            own_listen: PerTransport::default(),
            frame: Frame::Native,
            workers: Workers::Auto,
            tcp_limit: 1000,
            tcp_limit_per_client: 20,
            tcp_idle: Duration::from_secs(10),
            strict_zones: false,
            ready: Ready::AnyZone,
            metrics_listen: None,
        }
    }
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { folder: None, max_age: Duration::from_secs(300) }
    }
}

/// A choice of the state folder; made from a path, of which `none` keeps nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChoice {
    /// `none`: nothing is kept.
    Nothing,
    /// This folder.
    Folder(PathBuf),
}

impl From<PathBuf> for StateChoice {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "none" { Self::Nothing } else { Self::Folder(path) }
    }
}

/// How targets are tested, for the whole server.
#[derive(Clone, Debug, Default)]
pub struct Probing {
    /// The networks that may be tested; nothing: all but those for documents.
    pub probe_allow: Option<Vec<IpPrefix>>,
    /// The networks that may not.
    pub probe_deny: Vec<IpPrefix>,
    /// The witnesses.
    pub references: Vec<Reference>,
    /// Who resolves hosts outside of the zones.
    pub resolver: Resolver,
    /// Whether checks may run programs.
    pub exec: bool,
}

/// What `check` leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintSettings {
    /// The ids of findings that are meant so.
    pub allow: Vec<String>,
    /// Whether private and loopback addresses are meant.
    pub private_addresses: bool,
}

/// Where answers are given when neither config nor command line says it.
pub const DEFAULT_LISTEN: [SocketAddr; 2] =
    [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5300), SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 5300)];

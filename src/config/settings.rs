//! The settings that belong to no other room: listeners and process, persistence, testing of targets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;

use crate::admin::api::Token;
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
    /// How many octets each socket for datagrams holds that are not yet read; the system cuts it to its limit.
    pub udp_receive_buffer: u32,
    /// How many octets it holds that are not yet sent; 0: as the system has it.
    pub udp_send_buffer: u32,
    /// For how many microseconds a worker that waits asks the network card itself; 0: it sleeps at once.
    pub udp_busy_poll: u32,
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
    /// Who the process becomes when its ports are bound; nothing: it stays who it is.
    pub user: Option<String>,
    /// With which group; nothing: that of the user.
    pub group: Option<String>,
    /// Where it may write then beside its own folders.
    pub writable_folders: Vec<PathBuf>,
    /// Where metrics and readiness are told over HTTP.
    pub metrics_listen: Option<SocketAddr>,
    /// Where the API is served on this machine; nothing: nowhere.
    pub admin_socket: Option<AdminSocket>,
    /// Where it is served over the network; nothing: nowhere.
    pub admin_listen: Option<AdminListen>,
}

/// The listener of the API.
#[derive(Clone, Debug)]
pub struct AdminListen {
    /// Its address.
    pub address: SocketAddr,
    /// What clients must show; nothing: a certificate.
    pub token: Option<Token>,
    /// Whether it is encrypted, with the server's certificate.
    pub is_encrypted: bool,
    /// The authorities of the certificates that clients must have; nothing: they need none.
    pub clients: Option<Arc<RootCertStore>>,
}

/// The socket of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSocket {
    /// Its file.
    pub path: PathBuf,
    /// Whether nobody named it: if it cannot be made then, the server does without.
    pub is_default: bool,
}

impl PartialEq for AdminListen {
    fn eq(&self, other: &Self) -> bool {
        let roots = |listen: &Self| listen.clients.as_ref().map(|clients| clients.roots.clone());
        (self.address, &self.token, self.is_encrypted, roots(self))
            == (other.address, &other.token, other.is_encrypted, roots(other))
    }
}

impl Eq for AdminListen {}

/// A choice of the API's socket; made from a path, of which `none` opens none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketChoice {
    /// `none`: the API is not served.
    Nothing,
    /// This file.
    File(PathBuf),
}

impl From<PathBuf> for SocketChoice {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "none" { Self::Nothing } else { Self::File(path) }
    }
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
    /// How many octets each of the two files of the history takes; 0: none is written.
    pub history_size: u32,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN.to_vec(),
            listen_is_default: true,
            own_listen: PerTransport::default(),
            frame: Frame::Native,
            workers: Workers::Auto,
            udp_receive_buffer: 4 << 20,
            udp_send_buffer: 0,
            udp_busy_poll: 0,
            tcp_limit: 1000,
            tcp_limit_per_client: 20,
            tcp_idle: Duration::from_secs(10),
            strict_zones: false,
            ready: Ready::AnyZone,
            user: None,
            group: None,
            writable_folders: Vec::new(),
            metrics_listen: None,
            admin_socket: None,
            admin_listen: None,
        }
    }
}

impl Default for StateSettings {
    fn default() -> Self {
        Self { folder: None, max_age: Duration::from_secs(300), history_size: 32 << 20 }
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

//! Reads the files and gives [`Running`] or all findings; the only file of this room that touches the file system.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::base::finding::Finding;

use super::running::Running;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The files named: one may be a config (`.toml`), all others are zones. None: the default config is sought.
    pub files: Vec<PathBuf>,
    /// `--listen`, over the config's; none: the config's.
    pub listen: Vec<SocketAddr>,
    /// `--state`, over the config's.
    pub state: Option<StateChoice>,
    /// `--static`: serve as declared and probe nothing.
    pub fixed: bool,
    /// `--interval`, over the config's `[health] interval`.
    pub interval: Option<Duration>,
}

/// A choice of the state folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChoice {
    /// `none`: nothing is kept.
    Nothing,
    /// This folder.
    Folder(PathBuf),
}

/// The process's environment variables.
pub trait Environment {
    /// Returns one variable; an empty one is as good as none.
    fn variable(&self, name: &str) -> Option<OsString>;
}

impl<F: Fn(&str) -> Option<OsString>> Environment for F {
    fn variable(&self, name: &str) -> Option<OsString> {
        self(name).filter(|value| !value.is_empty())
    }
}

/// Reads the files that `input` names, or the default config, and lowers them.
///
/// # Errors
/// All findings, if one of them keeps the server from starting: an unreadable file, a wrong config, no zone that can
/// be read, or with `strict-zones` a broken one.
pub fn load(_input: &Input, _environment: &dyn Environment) -> Result<Running, Vec<Finding>> {
    Err(vec![Finding::error("file-read", "not there yet")])
}

/// Where answers are given when neither config nor command line says it.
pub const DEFAULT_LISTEN: [SocketAddr; 2] =
    [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5300), SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 5300)];

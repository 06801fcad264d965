//! What several commands take.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::base::clock::UnixTime;
use crate::keys::values;

/// Where config and zones come from.
#[derive(Debug, Args, Default)]
pub struct Sources {
    /// A config (.toml) or zones (anything else; `-` is standard input); none: $UNDERSTUDY_CONFIG, ./understudy.toml,
    /// /etc/understudy/understudy.toml
    #[arg(value_name = "CONFIG or ZONE")]
    pub files: Vec<PathBuf>,
}

/// Where the state is.
#[derive(Debug, Args, Default)]
pub struct State {
    /// The state folder, or `none`; default: $STATE_DIRECTORY, else $XDG_STATE_HOME/understudy, else
    /// /var/lib/understudy, or ~/.local/state/understudy for who may not write there
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// Reads how long something lasts.
pub(super) fn lasting(text: &str) -> Result<Duration, String> {
    values::duration_text(text, Duration::from_secs(1), LONGEST_ORDER).map_err(|wanted| format!("it takes {wanted}"))
}

/// A moment of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long ago.
    Ago(Duration),
    /// By the wall clock.
    At(UnixTime),
}

impl Moment {
    /// Returns when that is.
    pub fn at(self, now: UnixTime) -> UnixTime {
        match self {
            Self::Ago(ago) => now - ago,
            Self::At(at) => at,
        }
    }
}

/// Reads a moment of the past.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    if let Some(at) = UnixTime::parse(text) {
        return Ok(Moment::At(at));
    }
    lasting(text).map(Moment::Ago).map_err(|wanted| format!("{wanted}, or a date such as 2026-11-30T18:00:00Z"))
}

/// How long an order may last, and how far the history is looked back.
const LONGEST_ORDER: Duration = Duration::from_secs(366 * 86_400);
/// The addresses at which a server without a config answers.
pub const DEFAULT_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5300);

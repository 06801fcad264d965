//! What several commands take.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::keys::values;

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

/// How long an order may last, and how far the history is looked back.
const LONGEST_ORDER: Duration = Duration::from_secs(366 * 86_400);
/// The addresses at which a server without a config answers.
pub const DEFAULT_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5300);

//! Where a server's state is, and how one that runs is reached.

use std::path::PathBuf;

use clap::Args;

/// Where the state is.
#[derive(Debug, Args, Default)]
pub struct State {
    /// The state folder, or `none`; default: $STATE_DIRECTORY, else $XDG_STATE_HOME/understudy, else
    /// /var/lib/understudy, or ~/.local/state/understudy for who may not write there
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// How a running server is reached.
#[derive(Debug, Args, Default)]
pub struct Reach {
    /// Where the server takes orders; default: as the running server has noted in the state folder, else as the default
    /// config says, else /run/understudy/admin.sock
    #[arg(long, value_name = "FILE")]
    pub socket: Option<PathBuf>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
}

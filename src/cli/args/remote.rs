//! The words for a running server: what it shows, and what it is ordered.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::shared::{Moment, State, lasting, moment};

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

/// `status`
#[derive(Debug, Args)]
pub struct Status {
    /// The services to show; none: all
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `watch`
#[derive(Debug, Args)]
pub struct Watch {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
}

/// `log`
#[derive(Debug, Args)]
pub struct Log {
    /// The services, hosts, addresses or targets to tell of; none: all
    #[arg(value_name = "SERVICE or TARGET")]
    pub about: Vec<String>,
    /// Leave out what happened longer ago (as in 30m or 2h) or before a moment (as in 2026-11-30 or 2026-11-30T18:00:00Z, in
    /// UTC); default: what happened before the server was started; of one that is stopped, all is told
    #[arg(long, value_name = "DURATION or DATE", value_parser = moment)]
    pub since: Option<Moment>,
    /// Leave out what happened from then on
    #[arg(long, value_name = "DURATION or DATE", value_parser = moment, conflicts_with = "follow")]
    pub until: Option<Moment>,
    /// Go on, and print what happens
    #[arg(long)]
    pub follow: bool,
    /// Print each publication of changed answers too
    #[arg(long)]
    pub all: bool,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
    /// Print JSON, an object a line
    #[arg(long)]
    pub json: bool,
}

/// What all orders have.
#[derive(Debug, Args)]
pub struct OrderOptions {
    /// How long it lasts, as in 30m or 2h; default: until it is cleared
    #[arg(long, value_name = "DURATION", value_parser = lasting)]
    pub r#for: Option<Duration>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who orders it; default: $SUDO_USER, else $USER
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    /// Do it even if it takes the last eligible member of a service
    #[arg(long)]
    pub last: bool,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `force`
#[derive(Debug, Args)]
pub struct ForceTarget {
    /// What it counts as
    #[arg(value_enum, value_name = "STATE")]
    pub forced: Forced,
    /// A host, an address, HOST:PORT or ADDRESS:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub order: OrderOptions,
}

/// What a target may be forced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Forced {
    /// It serves.
    Up,
    /// It does not serve.
    Down,
}

/// `drain`
#[derive(Debug, Args)]
pub struct Drain {
    /// A host, an address, HOST:PORT or ADDRESS:PORT
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// When it begins, as in 10m: TTLs are short before then. Default: at once
    #[arg(long, value_name = "DURATION", value_parser = lasting)]
    pub r#in: Option<Duration>,
    /// Wait until no cached answer names it; exit code 1 if an answer still does then
    #[arg(long)]
    pub wait: bool,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub order: OrderOptions,
}

/// `clear`
#[derive(Debug, Args)]
pub struct Clear {
    /// The numbers of orders, or the hosts or addresses that they cover
    #[arg(value_name = "ORDER or TARGET", required_unless_present = "all")]
    pub what: Vec<String>,
    /// Take all orders back
    #[arg(long, conflicts_with = "what")]
    pub all: bool,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `failback`
#[derive(Debug, Args)]
pub struct Failback {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: String,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
}

/// `drill`
#[derive(Debug, Args)]
pub struct Drill {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub service: String,
    /// How long the standby serves, as in 2m
    #[arg(long, value_name = "DURATION", value_parser = lasting, default_value = "1m")]
    pub r#for: Duration,
    /// Write a report to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Why; default: drill
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who orders it; default: $SUDO_USER, else $USER
    #[arg(long, value_name = "NAME")]
    pub author: Option<String>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
    /// Print the report as JSON in place of each step
    #[arg(long)]
    pub json: bool,
}

/// `reload`
#[derive(Debug, Args)]
pub struct Reload {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Forced {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

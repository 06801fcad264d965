//! The words of `replay`.

use std::path::PathBuf;

use clap::Args;

use super::shared::{Moment, Sources, State, moment};

/// `replay`
#[derive(Debug, Args)]
pub struct Replay {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub sources: Sources,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
    /// The history to play: a copy of one file, or of a state folder; default: that of the state folder
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Compare only what happened from then on, as in 7d or 2026-11-30; what was before is played all the same
    #[arg(long, value_name = "DURATION or DATE", value_parser = moment)]
    pub since: Option<Moment>,
    /// Play only what happened before
    #[arg(long, value_name = "DURATION or DATE", value_parser = moment)]
    pub until: Option<Moment>,
    /// Exit with 1 if anything would have been decided otherwise
    #[arg(long)]
    pub same: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

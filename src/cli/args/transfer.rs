//! The arguments of `transfers`, `refresh` and `retransfer`.

use clap::Args;

use super::reach::Reach;

/// `transfers`
#[derive(Debug, Args)]
pub struct Transfers {
    /// The zones; all, if none is named
    #[arg(value_name = "ZONE")]
    pub zones: Vec<String>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `refresh` and `retransfer`
#[derive(Debug, Args)]
pub struct Transfer {
    /// The zone
    #[arg(value_name = "ZONE")]
    pub zone: String,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub reach: Reach,
}

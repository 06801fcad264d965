//! The words behind `import` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::zone::{Name, NameError};

/// `import`
#[derive(Debug, Args)]
pub struct Import {
    /// JSON of Cloudflare's API, a change batch or list of Route 53, or a master file; `-` is standard input. All of
    /// them become one zone
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The zone's name; default: as the files say it, or as all records have it in common
    #[arg(long, value_name = "NAME", value_parser = zone_name)]
    pub zone: Option<Name>,
    /// A name server of the zone, in the place of the provider's; may be given several times
    #[arg(long, value_name = "NAME", value_parser = zone_name)]
    pub name_server: Vec<Name>,
    /// Leave names as they are written, also where the zone's name stands at their end twice
    #[arg(long)]
    pub as_written: bool,
}

/// `export`
#[derive(Debug, Args)]
pub struct Export {
    /// A zone file; `-` is standard input
    #[arg(value_name = "ZONE")]
    pub file: PathBuf,
    /// The form
    #[arg(long, value_enum, value_name = "FORM")]
    pub to: ExportForm,
}

/// What a zone is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// A list of what Cloudflare's API takes, a record each.
    Cloudflare,
    /// A change batch, as `aws route53 change-resource-record-sets --change-batch` takes it.
    Route53,
    /// A master file, all names in full.
    Zone,
}

/// Reads the name of a zone or server, with or without its final dot.
fn zone_name(text: &str) -> Result<Name, NameError> {
    Name::parse(text.as_bytes(), Some(&Name::root()))
}

//! `import` and `export`: zones in the forms of DNS providers, Cloudflare and Route 53, and back.
//!
//! ```text
//!  JSON ──cloudflare · route53──▶ records ──▶ ┐
//!                                             ├─ assemble: names put right ──▶ Zone ──▶ master file
//!  master file ──zone_file──────▶ records ──▶ ┘                                │
//!                                                         export ◀─────────────┘──▶ JSON of a provider
//! ```
//!
//! **Invariant:** what is read and written is a function of texts; only this file reads files and prints.

mod assemble;
mod cloudflare;
mod export;
mod json;
mod names;
mod read;
mod record;
mod route53;
#[cfg(test)]
mod tests;
mod zone_file;

use std::path::Path;
use std::process::ExitCode;

use crate::base::file;
use crate::base::finding::{Finding, Severity, worst};
use crate::config::Input;
use crate::zone::Zone;
use crate::zone::write::write;

use super::args::{Export, ExportForm, Import};
use super::{FINDINGS, USAGE, input};
use assemble::{Options, assemble};
use record::Imported;

/// Runs `import`.
pub(super) fn import(args: &Import) -> ExitCode {
    let mut imported = Imported::default();
    for path in &args.files {
        let text = match octets(path) {
            Ok(text) => text,
            Err(finding) => {
                input::tell(&[*finding], Severity::Error);
                return ExitCode::from(USAGE);
            }
        };
        read::read(&path.display().to_string(), &text, args.zone.as_ref(), &mut imported);
    }
    let options =
        Options { zone: args.zone.clone(), name_servers: args.name_server.clone(), as_written: args.as_written };
    let (zone, findings) = assemble(imported, &options);
    input::tell(&findings, Severity::Note);
    match zone {
        Some(zone) => {
            input::print(&master_file(&zone));
            ExitCode::SUCCESS
        }
        None => ExitCode::from(FINDINGS),
    }
}

/// Runs `export`.
pub(super) fn export(args: &Export) -> ExitCode {
    let from = Input { files: vec![args.file.clone()], fixed: true, ..Input::default() };
    let running = match input::load(&from) {
        Ok(running) => running,
        Err(code) => return code,
    };
    input::tell(&running.findings, Severity::Error);
    let zones: Vec<_> = running.setup.zones.iter().filter_map(|(_, zone)| zone.zone.as_ref()).collect();
    let [zone] = zones.as_slice() else {
        let finding = Finding::error("export-zones", format!("{} zones are named, and one is exported", zones.len()));
        input::tell(&[finding.help("name the file of one zone")], Severity::Error);
        return ExitCode::from(USAGE);
    };
    let (text, findings) = match args.to {
        ExportForm::Cloudflare => export::cloudflare(zone),
        ExportForm::Route53 => export::route53(zone),
        ExportForm::Zone => (master_file(zone), Vec::new()),
    };
    input::tell(&findings, Severity::Note);
    input::print(&text);
    if worst(&findings) == Some(Severity::Error) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS }
}

fn octets(path: &Path) -> Result<Vec<u8>, Box<Finding>> {
    let read = if path.as_os_str() == "-" {
        file::read_standard_input(file::MAX_DATA)
    } else {
        file::read(path, file::MAX_DATA)
    };
    read.map_err(|error| Box::new(Finding::error("file-read", format!("cannot read {}: {error}", path.display()))))
}

fn master_file(zone: &Zone) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    _ = write(zone, &mut text);
    text
}

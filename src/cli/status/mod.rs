//! `status`: what a running server serves, and why.

mod text;

use std::process::ExitCode;

use crate::admin::view::{ServiceView, StatusView};
use crate::base::finding::Finding;

use super::args::Status;
use super::paint::Paint;
use super::remote::{Failed, Remote};
use super::{input, line, offline};
pub(super) use text::{footer, notices, order, title};

/// Runs the command.
pub(super) fn run(args: &Status) -> ExitCode {
    match print(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.tell(),
    }
}

fn print(args: &Status) -> Result<(), Failed> {
    let mut status: StatusView = Remote::find(&args.reach)?.get("/v1/status")?;
    select(&mut status, &args.services)?;
    input::print(&if args.json {
        serde_json::to_string_pretty(&status).unwrap_or_default() + "\n"
    } else {
        line::text(&text::page(&status), Paint::stdout())
    });
    Ok(())
}

/// Leaves the services that are named, and their targets; all, if none is named.
fn select(status: &mut StatusView, names: &[String]) -> Result<(), Failed> {
    let is_it = |service: &ServiceView, name: &str| {
        let name = name.trim_end_matches('.');
        service.service.split('+').any(|half| half.trim_end_matches('.').eq_ignore_ascii_case(name))
    };
    for name in names {
        if !status.services.iter().any(|service| is_it(service, name)) {
            let message = format!("there is no service {name}");
            let finding = Finding::error("refused", message);
            let known = status.services.iter().map(|service| service.service.trim_end_matches('.'));
            let near = offline::nearest_name(name, known);
            return Err(Failed::refused(match near {
                Some(near) => finding.help(format!("did you mean {near}?")),
                None => finding,
            }));
        }
    }
    if !names.is_empty() {
        status.services.retain(|service| names.iter().any(|name| is_it(service, name)));
        let members = status.services.iter().flat_map(|service| &service.members);
        let targets: Vec<&String> = members.flat_map(|member| &member.targets).collect();
        status.targets.retain(|target| targets.contains(&&target.target));
    }
    Ok(())
}

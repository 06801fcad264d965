//! `probe`: one check, once, or every target of a service.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::config::Input;
use crate::probe::allow::{Access, Network};
use crate::probe::{self, Authority, Spec, Tools};

use super::args::{self, Probe, Verify};
use super::probe::{Choices, Form, Prober, parse};
use super::{USAGE, input};

/// What is to be probed, and what may be.
struct Plan {
    targets: Vec<(String, Spec)>,
    access: Access,
}

/// Runs the command.
pub(super) fn run(args: &Probe) -> ExitCode {
    let plan = match plan(args) {
        Ok(plan) => plan,
        Err(findings) => {
            input::tell(&findings, Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let form = if args.json { Form::Json } else { Form::Text };
    let prober = Prober { clock: Clock::start(), tools: Tools::from_system(), access: plan.access, form };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            input::tell(&[Finding::error("runtime", error.to_string())], Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let told = runtime.block_on(async {
        let mut out = std::io::stdout();
        prober.tell_all(&plan.targets, &mut out).await
    });
    told.map_or(ExitCode::from(USAGE), |went| ExitCode::from(went.code()))
}

fn plan(args: &Probe) -> Result<Plan, Vec<Finding>> {
    let wrong = |message: String| vec![Finding::error("probe-usage", message)];
    let timeout = args::seconds(args.timeout).ok_or_else(|| wrong("--timeout takes a number above 0".to_owned()))?;
    let mut allow = Vec::new();
    for text in &args.allow {
        let network: Network = text.parse().map_err(|error| wrong(format!("{text} is no network: {error}")))?;
        allow.push(network);
    }
    match args.what.as_slice() {
        [urls @ ..] if urls.iter().all(|word| word.contains("://")) => {
            let choices = Choices { timeout, verify: verify(args.verify), authority: authority(args)? };
            let read =
                |url: &String| Ok((url.clone(), parse(url, &choices).map_err(|error| wrong(error.to_string()))?));
            let targets = urls.iter().map(read).collect::<Result<Vec<_>, Vec<Finding>>>()?;
            // Whoever names an address means it: the default list keeps zones from making us a scanner, not people.
            Ok(Plan { targets, access: Access { allow, deny: Vec::new() } })
        }
        [file, owner] => service(args, file, owner, allow),
        _ => Err(vec![
            Finding::error("probe-usage", format!("{} names nothing that can be probed", args.what.join(" ")))
                .help("write KIND://ADDRESS:PORT[/DOMAIN], or a zone file and the owner name of a service in it"),
        ]),
    }
}

/// Finds every target of a service in a zone or config.
fn service(args: &Probe, file: &str, owner: &str, allow: Vec<Network>) -> Result<Plan, Vec<Finding>> {
    let from = Input { files: vec![PathBuf::from(file)], allow: allow.clone(), ..Input::default() };
    let running = crate::config::load(&from, &input::ProcessEnvironment)?;
    let mut names = vec![owner.to_owned()];
    names.extend(running.setup.zones.iter().map(|(_, zone)| format!("{owner}.{}", zone.origin)));
    let mut pools = running.setup.pools.iter();
    let Some((_, pool)) = pools.find(|(_, pool)| names.iter().any(|name| pool.is_named(name))) else {
        let services = running.setup.pools.iter().map(|(_, pool)| pool.name.clone()).collect::<Vec<_>>().join(", ");
        let finding = Finding::error("probe-service", format!("{file} has no service {owner}"));
        return Err(vec![finding.help(format!("the services are {services}"))]);
    };
    let timeout = args::seconds(args.timeout);
    let mut targets = Vec::new();
    for member in &pool.members {
        for &id in &member.targets {
            match &running.specs[id] {
                Some(spec) => {
                    let spec = Spec { timeout: timeout.unwrap_or(spec.timeout), ..spec.clone() };
                    targets.push((member.label.clone(), spec));
                }
                None => input::print(&format!(
                    "{} {}: not probed, as `allow` does not name its address; --allow does\n",
                    member.label, running.setup.targets[id].key
                )),
            }
        }
    }
    if targets.is_empty() {
        let finding = Finding::error("probe-nothing", format!("no target of {owner} can be probed"));
        return Err(vec![finding.help("a UDP service has no check yet; other addresses are named with --allow")]);
    }
    Ok(Plan { targets, access: running.access })
}

fn authority(args: &Probe) -> Result<Option<Authority>, Vec<Finding>> {
    let Some(path) = &args.ca_file else { return Ok(None) };
    let wrong = |message: String| vec![Finding::error("file-read", message)];
    let name = path.display().to_string();
    let pem = std::fs::read(path).map_err(|error| wrong(format!("cannot read {name}: {error}")))?;
    Authority::from_pem(&name, &pem).map(Some).map_err(|error| wrong(format!("{name} holds no CA: {error}")))
}

const fn verify(verify: Verify) -> probe::Verify {
    match verify {
        Verify::Name => probe::Verify::Name,
        Verify::Require => probe::Verify::Require,
        Verify::Off => probe::Verify::Off,
    }
}

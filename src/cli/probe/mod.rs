//! `probe`: one check, once, or every target of a service.

mod names;
mod prober;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::error::Chain;
use crate::base::file::{self, MAX_SETTINGS};
use crate::base::finding::{Finding, Severity};
use crate::base::prefix::IpPrefix;
use crate::config::{self, Input};
use crate::engine::setup::{PoolSetup, Setup};
use crate::probe::allow::{Access, DeclaredBy};
use crate::probe::stun::credentials::Kind;
use crate::probe::url::{Choices, parse};
use crate::probe::{self, Authority, ClientCertificate, Credentials, ProbeContext, Spec, TargetSettings};
use crate::zone::Name;

use super::args::{Probe, Verify};
use super::{USAGE, input, offline, words};
use names::{Addressed, addressed};
use prober::{Asked, Form, Prober};

/// What is to be probed, and what may be.
struct Plan {
    targets: Vec<Asked>,
    access: Access,
}

/// Runs the command.
pub(super) fn run(args: &Probe) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            input::tell(&[Finding::error("runtime", error.to_string())], Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let plan = match runtime.block_on(plan(args)) {
        Ok(plan) => plan,
        Err(findings) => {
            input::tell(&findings, Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let form = if args.json { Form::Json } else { Form::Text };
    let prober = Prober { clock: Clock::start(), context: ProbeContext::from_system(), access: plan.access, form };
    let told = runtime.block_on(async {
        match form {
            Form::Text => prober.tell_all(&plan.targets, &mut input::Saying::default()).await,
            Form::Json => prober.tell_all(&plan.targets, &mut std::io::stdout()).await,
        }
    });
    told.map_or_else(|_| ExitCode::from(USAGE), |went| ExitCode::from(went.code()))
}

async fn plan(args: &Probe) -> Result<Plan, Vec<Finding>> {
    let wrong = |message: String| vec![Finding::error("probe-usage", message)];
    let timeout = args.timeout;
    let mut allow = Vec::new();
    for text in &args.allow {
        let network: IpPrefix = text.parse().map_err(|error| wrong(format!("{text} is no network: {error}")))?;
        allow.push(network);
    }
    match args.what.as_slice() {
        urls if urls.iter().all(|word| word.contains("://")) => {
            let settings = TargetSettings {
                verify: verify(args.verify),
                authority: authority(args)?,
                client_certificate: client_certificate(args)?,
                ..TargetSettings::default()
            };
            let choices = Choices { settings, timeout, credentials: credentials(args)? };
            let urls = addressed(urls, args.resolver.as_ref()).await?;
            let read = |Addressed { label, url, address, resolved }| {
                let spec = parse(&url, address, &choices).map_err(|error| wrong(error.to_string()))?;
                Ok(Asked { label, spec, resolved })
            };
            let targets = urls.into_iter().map(read).collect::<Result<Vec<_>, Vec<Finding>>>()?;
            // Whoever names an address means it: the default list keeps zones from making us a scanner, not people.
            Ok(Plan { access: besides_default(allow, &targets), targets })
        }
        [file, owner] if !owner.contains("://") => service(args, [file, owner], &allow, timeout).await,
        _ => Err(vec![
            Finding::error("probe-usage", format!("{} names nothing that can be probed", args.what.join(" ")))
                .help("write KIND://ADDRESS:PORT[/DOMAIN], or a zone file and the owner name of a service in it"),
        ]),
    }
}

/// Allows networks, and those targets that may be probed anyway: a list of `probe-allow` stands in place of the default.
fn besides_default(mut allow: Vec<IpPrefix>, targets: &[Asked]) -> Access {
    if !allow.is_empty() {
        let addresses = targets.iter().map(|asked| asked.spec.address.ip().to_canonical());
        let plain = addresses.filter(|address| Access::default().permits(*address, DeclaredBy::Us).is_ok());
        allow.extend(plain.map(IpPrefix::from));
    }
    Access { allow, deny: Vec::new() }
}

/// Finds every target of a service in a zone or config.
async fn service(
    args: &Probe,
    [file, owner]: [&str; 2],
    allow: &[IpPrefix],
    timeout: Option<Duration>,
) -> Result<Plan, Vec<Finding>> {
    let from = Input { files: vec![PathBuf::from(file)], allow: allow.to_vec(), ..Input::default() };
    let mut running = config::load(&from, &input::ProcessEnvironment)?;
    if let Some(resolver) = &args.resolver {
        running.outside.servers = config::servers(Some(resolver), Path::new("")).ok();
    }
    let setup = &running.setup;
    let Some(pool) = find(setup, owner) else { return Err(vec![no_service(setup, file, owner)]) };
    // No other host is asked for.
    let hosts: Vec<Name> =
        pool.members.iter().filter_map(|member| member.label.rsplit_once(':')?.0.parse().ok()).collect();
    running.outside.hosts.retain(|host| hosts.contains(host));
    input::tell(&input::resolve(&mut running).await, Severity::Warning);
    let setup = &running.setup;
    let Some(pool) = find(setup, owner) else { return Err(vec![no_service(setup, file, owner)]) };
    let mut targets = Vec::new();
    let mut refused = 0;
    for member in &pool.members {
        for &id in &member.targets {
            let Some(spec) = &running.specs[id] else {
                refused += 1;
                continue;
            };
            let spec = Spec { timeout: timeout.unwrap_or(spec.timeout), ..spec.clone() };
            targets.push(Asked { label: member.label.clone(), spec, resolved: None });
        }
    }
    if refused > 0 {
        // To the error stream: what is printed stays one object a line with --json.
        input::tell(&[kept_out(pool, refused)], Severity::Note);
    }
    if targets.is_empty() {
        let finding = Finding::error("probe-nothing", format!("no target of {} can be probed", pool.name));
        let help = if refused > 0 {
            "name the network with --allow, as in --allow 192.0.2.0/24"
        } else {
            "it is served as declared: no check is known for it, or its hosts have no known address"
        };
        return Err(vec![finding.help(help)]);
    }
    Ok(Plan { targets, access: running.access })
}

/// Finds a service by its owner name, absolute or within one of the zones.
fn find<'a>(setup: &'a Setup, owner: &str) -> Option<&'a PoolSetup> {
    let mut names = vec![owner.to_owned()];
    names.extend(setup.zones.iter().map(|(_, zone)| format!("{owner}.{}", zone.origin)));
    let mut pools = setup.pools.iter().map(|(_, pool)| pool);
    pools.find(|pool| names.iter().any(|name| pool.is_named(name)))
}

fn kept_out(pool: &PoolSetup, refused: usize) -> Finding {
    let targets = words::counted(refused, "target");
    let message =
        format!("{targets} of {} not probed: their addresses are outside of what `probe-allow` names", pool.name);
    Finding::note("probe-denied", message).help("--allow names networks, as in --allow 192.0.2.0/24")
}

fn no_service(setup: &Setup, file: &str, owner: &str) -> Finding {
    let finding = Finding::error("probe-service", format!("{file} has no service {owner}"));
    let names: Vec<&str> =
        setup.pools.iter().flat_map(|(_, pool)| pool.name.split('+')).map(|name| name.trim_end_matches('.')).collect();
    let short = names.iter().filter_map(|name| {
        setup
            .zones
            .iter()
            .find_map(|(_, zone)| name.strip_suffix(&format!(".{}", zone.origin.to_string().trim_end_matches('.'))))
    });
    let near = offline::nearest_name(owner, names.iter().copied().chain(short));
    finding.help(match near {
        Some(near) => format!("did you mean {near}?"),
        None if names.is_empty() => "it has no SRV set".to_owned(),
        None => format!("the services are {}", names.iter().take(12).copied().collect::<Vec<_>>().join(", ")),
    })
}

fn authority(args: &Probe) -> Result<Option<Authority>, Vec<Finding>> {
    let Some(path) = &args.ca_file else { return Ok(None) };
    let wrong = |message: String| vec![Finding::error("file-read", message)];
    let name = path.display().to_string();
    let pem = file::read(path, MAX_SETTINGS).map_err(|error| wrong(format!("cannot read {name}: {error}")))?;
    Authority::from_pem(&name, &pem).map(Some).map_err(|error| wrong(format!("{name} holds no CA: {error}")))
}

fn client_certificate(args: &Probe) -> Result<Option<ClientCertificate>, Vec<Finding>> {
    let Some(path) = &args.client_certificate else { return Ok(None) };
    let wrong = |message: String| vec![Finding::error("file-read", message)];
    let read = |path: &Path| {
        file::read(path, MAX_SETTINGS).map_err(|error| wrong(format!("cannot read {}: {error}", path.display())))
    };
    let (chain, key) = (read(path)?, read(args.client_key.as_ref().unwrap_or(path))?);
    let unusable = |error| wrong(format!("{}: {}", path.display(), Chain(&error)));
    ClientCertificate::from_pem(&chain, &key).map(Some).map_err(unusable)
}

/// Reads whom to log in as; the secret comes from a file, as a command line can be seen by everybody.
fn credentials(args: &Probe) -> Result<Option<Credentials>, Vec<Finding>> {
    let (kind, file) = match (&args.password_file, &args.secret_file) {
        (Some(file), _) => (Kind::Password, file),
        (None, Some(file)) => (Kind::Shared, file),
        (None, None) if args.user.is_some() => {
            let finding = Finding::error("probe-usage", "--user has neither --password-file nor --secret-file");
            return Err(vec![finding.help("name the file that holds the password")]);
        }
        (None, None) => return Ok(None),
    };
    let (secret, warning) = config::read_secret(file).map_err(|finding| vec![*finding])?;
    if let Some(warning) = warning {
        input::tell(&[warning], Severity::Warning);
    }
    Ok(Some(Credentials::new(kind, args.user.as_deref().unwrap_or_default(), &secret, file)))
}

const fn verify(verify: Verify) -> probe::Verify {
    match verify {
        Verify::Name => probe::Verify::Name,
        Verify::Require => probe::Verify::Require,
        Verify::Off => probe::Verify::Off,
    }
}

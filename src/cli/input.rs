//! Reads config and zones for a command, and prints what is wrong with them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::base::finding::{Finding, Look, Severity};
use crate::base::terminal::wrap;
use crate::config::{self, Environment, Input, Running, StateChoice};
use crate::daemon::Read;
use crate::resolve;
use crate::zone::{Name, Zone};

use super::USAGE;

/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }
}

/// Reads files; what keeps it from being used is printed to standard error.
///
/// # Errors
/// The exit code, when everything is said.
pub(super) fn load(input: &Input) -> Result<Running, ExitCode> {
    config::load(input, &ProcessEnvironment).map_err(|findings| {
        tell(&findings, Severity::Error);
        ExitCode::from(USAGE)
    })
}

/// Reads files again and again: a zone that was good and is broken now stays in its last good version.
pub(super) fn reader(from: Input, first: &Running) -> Read {
    let former = Mutex::new((good_zones(first), first.origins.clone()));
    Read::new(move || {
        let mut former = former.lock().unwrap_or_else(PoisonError::into_inner);
        let input = Input { former: former.0.clone(), origins: former.1.clone(), ..from.clone() };
        let running = config::load(&input, &ProcessEnvironment)?;
        *former = (good_zones(&running), running.origins.clone());
        Ok(running)
    })
}

fn good_zones(running: &Running) -> HashMap<Name, Arc<Zone>> {
    let zones = running.setup.zones.iter();
    zones.filter_map(|(_, zone)| Some((zone.origin.clone(), Arc::clone(zone.zone.as_ref()?)))).collect()
}

/// Asks for the hosts outside of the zones and makes targets of what is heard; returns what is found by that.
pub(super) async fn resolve(running: &mut Running) -> Vec<Finding> {
    let outside = &running.outside;
    if outside.hosts.is_empty() {
        return Vec::new();
    }
    let heard = resolve::once(&outside.hosts, outside.servers.as_ref(), TIMEOUT).await;
    let mut findings = running.resolve(&heard.addresses);
    findings.extend(heard.aliases.into_iter().map(|(host, goal)| {
        let finding = Finding::error("srv-target-cname", format!("the target {host} is an alias (CNAME) of {goal}"));
        finding
            .why("a target must not be an alias (RFC 2782), and most SIP and XMPP clients refuse one")
            .help(format!("write {goal} as the target, or a name that owns addresses"))
            .command(format!("dig +short A {}", host.to_string().trim_end_matches('.')))
    }));
    findings.extend(heard.unknown.into_iter().map(|(host, why)| {
        let finding = Finding::warning("host-unresolved", format!("{host} is not tested: {why}"));
        finding
            .why("all its records are always served")
            .help("see that the name is right and has A or AAAA records, and that `resolver` names one that answers")
    }));
    findings
}

/// Prints findings of at least this severity to standard error.
#[expect(clippy::print_stderr, reason = "the operator reads it")]
pub(super) fn tell(findings: &[Finding], least: Severity) {
    let width = width(std::io::stderr().is_terminal());
    for finding in findings.iter().filter(|finding| finding.severity >= least) {
        eprintln!("{}\n", wrapped(&finding.render(Look { width, ..Look::default() }), width));
    }
}

/// Reads `--state`.
pub(super) fn state_choice(state: Option<&PathBuf>) -> Option<StateChoice> {
    state.map(|dir| if dir.as_os_str() == "none" { StateChoice::Nothing } else { StateChoice::Folder(dir.clone()) })
}

/// Returns whether an argument means a file: it is there, or it looks like one.
pub(super) fn is_file(argument: &str) -> bool {
    let path = Path::new(argument);
    let ending = path.extension().and_then(|ending| ending.to_str());
    argument == "-" || path.is_file() || argument.contains('/') || matches!(ending, Some("toml" | "zone"))
}

/// Prints text for people to standard output: on a terminal, no line is wider than it.
pub(super) fn say(text: &str) {
    print(&wrapped(text, stdout_width()));
}

/// Returns the columns of the terminal that standard output is, if it is one.
pub(super) fn stdout_width() -> Option<usize> {
    width(std::io::stdout().is_terminal())
}

fn width(is_terminal: bool) -> Option<usize> {
    let (columns, _) = is_terminal.then(crossterm::terminal::size)?.ok()?;
    // One of hardly any width breaks lines better by itself.
    Some(usize::from(columns)).filter(|columns| *columns >= NARROWEST)
}

fn wrapped(text: &str, width: Option<usize>) -> Cow<'_, str> {
    width.map_or(Cow::Borrowed(text), |width| Cow::Owned(wrap(text, width)))
}

/// Writes to standard output line by line, as [`say`] does.
#[derive(Debug, Default)]
pub(super) struct Saying(Vec<u8>);

impl Write for Saying {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let text = std::mem::take(&mut self.0);
        let mut out = std::io::stdout().lock();
        out.write_all(wrapped(&String::from_utf8_lossy(&text), stdout_width()).as_bytes())?;
        out.flush()
    }
}

/// Prints to standard output as it is. A reader that has gone (as in `| head`) is no error.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The narrowest terminal for which lines are broken.
const NARROWEST: usize = 20;
/// How long all hosts outside of the zones may take.
const TIMEOUT: Duration = Duration::from_secs(10);

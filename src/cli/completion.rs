//! What shells complete: commands and options, and beside them the names that the running server has.
//!
//! A shell calls the program itself with the words that are typed so far: see [`clap_complete::env`]. The server is that which
//! the command would ask; without one, or if it does not answer at once, there are no names and nothing is said.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory;
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{ArgValueCandidates, CompletionCandidate, Shell};
use serde::de::DeserializeOwned;

use crate::admin::view::{OrderView, ServiceView, TransferView};

use super::args::{Arguments, Reach, State};
use super::remote::Remote;
use super::{USAGE, input};

/// Answers a shell, if one asks.
pub(super) fn answer() -> bool {
    let asked = CompleteEnv::with_factory(command).var(VARIABLE);
    // A shell that is not known is told nothing.
    asked.try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref()).unwrap_or(true)
}

/// Prints the script by which a shell asks.
pub(super) fn run(shell: Shell) -> ExitCode {
    match script(&shell.to_string()) {
        Ok(script) => {
            input::print(&script);
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::from(USAGE),
    }
}

fn script(shell: &str) -> io::Result<String> {
    let mut script = Vec::new();
    if let Some(shell) = Shells::builtins().completer(shell) {
        shell.write_registration(VARIABLE, NAME, NAME, &own_path().to_string_lossy(), &mut script)?;
    }
    if shell == "zsh" {
        // Where zsh loads it by itself, it runs it for the first completion.
        script.extend_from_slice(AUTOLOADED.as_bytes());
    }
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// Returns how the shell finds the program: by name, or where it lies if it was called by its path.
fn own_path() -> PathBuf {
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_else(|| OsString::from(NAME)));
    if called.components().count() > 1 { std::path::absolute(&called).unwrap_or(called) } else { called }
}

/// Returns the command line with what completes its names.
fn command() -> clap::Command {
    let mut command = Arguments::command();
    for (name, argument, names) in NAMED {
        command = command.mut_subcommand(*name, |subcommand| {
            subcommand.mut_arg(*argument, |argument| argument.add(ArgValueCandidates::new(*names)))
        });
    }
    command
}

type Names = fn() -> Vec<CompletionCandidate>;

/// The arguments that take a name: command, argument, and which names.
const NAMED: &[(&str, &str, Names)] = &[
    ("status", "services", services),
    ("explain", "what", services),
    ("failback", "service", services),
    ("drill", "service", services),
    ("simulate", "expect", expectations),
    ("simulate", "down", hosts),
    ("explain", "down", hosts),
    ("force", "target", hosts),
    ("drain", "target", hosts),
    ("clear", "what", orders),
    ("transfers", "zones", transferred),
    ("refresh", "zone", from_primaries),
    ("retransfer", "zone", from_primaries),
];

fn services() -> Vec<CompletionCandidate> {
    let services = ask::<ServiceView>("/v1/services").into_iter();
    // The halves of a pair are asked for one by one.
    let named = services.flat_map(|service| {
        let names: Vec<String> = service.service.split('+').map(str::to_owned).collect();
        names.into_iter().map(move |name| candidate(name, service.reason.clone()))
    });
    named.collect()
}

fn expectations() -> Vec<CompletionCandidate> {
    let expectations = ask::<ServiceView>("/v1/services").into_iter().flat_map(|service| {
        let mut tiers: Vec<u16> = service.members.iter().map(|member| member.priority).collect();
        tiers.sort_unstable();
        tiers.dedup();
        let name = service.service;
        tiers.into_iter().map(move |tier| CompletionCandidate::new(format!("{name}={tier}")))
    });
    expectations.collect()
}

fn hosts() -> Vec<CompletionCandidate> {
    let services = ask::<ServiceView>("/v1/services");
    let members = services.iter().flat_map(|service| &service.members);
    let mut hosts: Vec<&str> = members.map(|member| host_of(&member.member)).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts.into_iter().map(CompletionCandidate::new).collect()
}

fn orders() -> Vec<CompletionCandidate> {
    let orders = ask::<OrderView>("/v1/orders").into_iter();
    orders
        .map(|order| candidate(order.id.to_string(), format!("{} {} {}", order.force, order.on, order.reason)))
        .collect()
}

fn transferred() -> Vec<CompletionCandidate> {
    ask::<TransferView>("/v1/transfers").into_iter().map(|view| CompletionCandidate::new(view.zone)).collect()
}

fn from_primaries() -> Vec<CompletionCandidate> {
    let views = ask::<TransferView>("/v1/transfers").into_iter().filter(|view| view.inbound.is_some());
    views.map(|view| CompletionCandidate::new(view.zone)).collect()
}

fn candidate(name: String, help: String) -> CompletionCandidate {
    CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()))
}

/// Returns the host of `HOST:PORT`, as it is ordered about.
fn host_of(member: &str) -> &str {
    match member.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() && (!host.contains(':') || host.starts_with('[')) => host,
        Some(_) | None => member,
    }
}

fn ask<T: DeserializeOwned>(path: &str) -> Vec<T> {
    let reach = reach(std::env::args_os());
    Remote::find(&reach).and_then(|remote| remote.within(TIMEOUT).get(path)).unwrap_or_default()
}

/// Reads from the typed words where the server is.
fn reach(words: impl Iterator<Item = OsString>) -> Reach {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let value = |option: &str| {
        let apart = words.iter().position(|word| word == option).and_then(|at| words.get(at + 1));
        let joined = || words.iter().find_map(|word| word.strip_prefix(option)?.strip_prefix('='));
        apart.map(String::as_str).or_else(joined).map(PathBuf::from)
    };
    Reach { socket: value("--socket"), state: State { state: value("--state") } }
}

/// The variable by which a shell asks; its value is the shell.
const VARIABLE: &str = "UNDERSTUDY_COMPLETE";
/// What is completed.
const NAME: &str = "understudy";
/// How long the server may take: who types waits for it.
const TIMEOUT: Duration = Duration::from_secs(1);
const AUTOLOADED: &str = "\
if [[ ${funcstack[1]} == _understudy ]]; then
    _clap_dynamic_completer_understudy
fi
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_read_from_what_is_typed_so_far() {
        let reach_of = |words: &str| {
            let reach = reach(words.split(' ').map(OsString::from));
            (
                reach.socket.map(|path| path.display().to_string()),
                reach.state.state.map(|path| path.display().to_string()),
            )
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(reach_of("understudy drain "), (None, None));
        assert_eq!(reach_of("understudy drain --state a "), (None, some("a")));
        assert_eq!(reach_of("understudy --state=a drain --socket b "), (some("b"), some("a")));
    }

    #[test]
    fn hosts_are_named_without_their_ports() {
        for (member, host) in [
            ("sip-node1.example.com:5060", "sip-node1.example.com"),
            ("192.0.2.1:53", "192.0.2.1"),
            ("[2001:db8::1]:53", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
            ("www.example.com", "www.example.com"),
        ] {
            assert_eq!(host_of(member), host);
        }
    }

    #[test]
    fn every_completed_argument_is_there() {
        // A wrong name panics.
        command().debug_assert();
        assert!(script("bash").unwrap().contains(VARIABLE));
    }
}

//! The command-line arguments.

mod demo;
mod exchange;
mod remote;
mod replay;
mod shared;
mod transfer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::base::finding::Severity;
use crate::config::{DNS_PORT, Resolver};
use crate::keys::values;

use super::examples;

pub use demo::Demo;
pub use exchange::{Export, ExportForm, Import};
pub use remote::{Clear, Drain, Drill, Failback, ForceTarget, Forced, Log, OrderOptions, Reach, Reload, Status, Watch};
pub use replay::Replay;
pub use shared::{DEFAULT_SERVER, Moment, Sources, State};
pub use transfer::{Transfer, Transfers};

/// Health-driven authoritative DNS server for SRV failover.
///
/// Serves zones from memory, tests every SRV target as its clients would, takes dead ones out of the live answers, and
/// when every target of the preferred tier has failed, lets the standby tier take the part.
#[derive(Debug, Parser)]
#[command(name = "understudy", bin_name = "understudy", version, propagate_version = true, after_help = AFTER_HELP)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colours; `auto`: on a terminal, unless NO_COLOR is set or TERM is dumb
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless the environment refuses them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  findings, or a probe that failed
  2  wrong use or unreadable input
  3  could not start: port, permission, state folder
  4  refused by a running server

Examples:
  understudy demo
      shows a failover on this machine
  understudy check example.com.zone
      looks for mistakes in a zone
  understudy serve example.com.zone
      serves it and tests the targets of its SRV records";

/// The words of the operator.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves zones and watches their targets, until SIGTERM; SIGHUP reloads config and zones
    #[command(after_help = examples::SERVE)]
    Serve(Serve),
    /// Looks for mistakes in config and zones: offline, or with --live at the targets too
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Probes one target, or every target of a service, once, and tells it step by step
    #[command(after_help = examples::PROBE)]
    Probe(Probe),
    /// Tells why a name is answered as it is: targets, the rule that chose, the TTL
    #[command(after_help = examples::EXPLAIN)]
    Explain(Explain),
    /// Tells what would be served if these hosts, addresses or ports were down
    #[command(after_help = examples::SIMULATE)]
    Simulate(Simulate),
    /// Plays the recorded history against a config: what happened beside what would have happened
    #[command(after_help = examples::REPLAY)]
    Replay(Replay),
    /// Writes a commented config for zone files that are there
    #[command(after_help = examples::INIT)]
    Init(Init),
    /// Makes a zone file of records in a provider's form: Cloudflare, Route 53, master files
    #[command(after_help = examples::IMPORT)]
    Import(Import),
    /// Prints a zone in a provider's form: Cloudflare, Route 53, a plain master file
    #[command(after_help = examples::EXPORT)]
    Export(Export),
    /// Asks a running server whether it is ready: exit code 0 or 1, for containers and scripts
    #[command(after_help = examples::READY)]
    Ready(Ready),
    /// Shows what a running server serves, and why
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Draws what a running server serves, and keeps it drawn, until Ctrl-C
    #[command(after_help = examples::WATCH)]
    Watch(Watch),
    /// Prints what has happened in a running server
    #[command(after_help = examples::LOG)]
    Log(Log),
    /// Orders that a host or an address counts as up or down, whatever the tests say
    #[command(after_help = examples::FORCE)]
    Force(ForceTarget),
    /// Takes a host or an address out of the answers, and says when no cache names it any more
    #[command(after_help = examples::DRAIN)]
    Drain(Drain),
    /// Takes orders back
    #[command(after_help = examples::CLEAR)]
    Clear(Clear),
    /// Lets a service fail back to its better tier, once
    #[command(after_help = examples::FAILBACK)]
    Failback(Failback),
    /// Plays a failover: drains the active tier for a while, watches the standby, and goes back at the first doubt
    #[command(after_help = examples::DRILL)]
    Drill(Drill),
    /// Shows how zones come from primaries and go to secondaries
    #[command(after_help = examples::TRANSFERS)]
    Transfers(Transfers),
    /// Has a running server ask the primaries of a zone for a newer version at once
    #[command(after_help = examples::REFRESH)]
    Refresh(Transfer),
    /// Has a running server take the whole zone anew from its primaries, also if its serial is not newer
    #[command(after_help = examples::RETRANSFER)]
    Retransfer(Transfer),
    /// Has a running server read config and zones anew: all of it, or nothing and why
    #[command(after_help = examples::RELOAD)]
    Reload(Reload),
    /// Shows a failover on this machine: stand-in targets on loopback, a zone, and a server
    #[command(after_help = examples::DEMO)]
    Demo(Demo),
    /// Prints a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page of the program, of one command, or of the config (understudy.toml), in roff
    #[command(after_help = examples::MAN)]
    Man {
        /// The command, or `understudy.toml`.
        #[arg(value_name = "PAGE", value_parser = PossibleValuesParser::new(PAGES))]
        of: Option<String>,
    },
}

/// The manual pages beside that of the program: of commands, and of the config.
const PAGES: [&str; 21] = [
    "serve",
    "check",
    "probe",
    "explain",
    "simulate",
    "replay",
    "init",
    "import",
    "export",
    "ready",
    "status",
    "watch",
    "log",
    "force",
    "drain",
    "clear",
    "failback",
    "drill",
    "reload",
    "demo",
    CONFIG_PAGE,
];

/// The manual page of the config.
pub const CONFIG_PAGE: &str = "understudy.toml";

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub sources: Sources,
    /// Where to answer, over the config's `listen`; may be given several times. Without a port it is 53
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = address)]
    pub listen: Vec<SocketAddr>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
    /// Where to take orders, over the config's `admin-socket`; `none` takes none
    #[arg(long, value_name = "FILE")]
    pub admin_socket: Option<PathBuf>,
    /// Serve as declared, probe nothing
    #[arg(long = "static")]
    pub fixed: bool,
    /// What to log: a level, as in `debug`, or by parts of the program, as in `warn,understudy::probe=debug`
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// How to log; default: text, with priorities for systemd's journal
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
    /// Do not show the live table on a terminal
    #[arg(long)]
    pub no_table: bool,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line of text each, for people.
    Text,
    /// One JSON object each, for machines.
    Json,
}

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub sources: Sources,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 if there is a finding at least this severe
    #[arg(long, value_parser = severities(), value_name = "SEVERITY", default_value = "error")]
    pub deny: Severity,
    /// Leave out what is less severe than this; it still counts for --deny
    #[arg(long, value_parser = severities(), value_name = "SEVERITY", default_value = "note")]
    pub min_severity: Severity,
    /// Print every finding whole, also where many are alike
    #[arg(long)]
    pub all: bool,
    /// Judge as if served with --static: a long TTL is a warning then
    #[arg(long = "static", conflicts_with = "live")]
    pub fixed: bool,
    /// Resolve hosts outside of the zones too, probe every target once, and tell how it went
    #[arg(long)]
    pub live: bool,
    /// Explain a rule by its id, as in `srv-target-cname`, and look at nothing
    #[arg(long, value_name = "ID", conflicts_with = "files")]
    pub explain: Option<String>,
}

/// `probe`
#[derive(Debug, Args)]
pub struct Probe {
    /// `KIND[+udp|tcp|tls]://HOST[:PORT][/DOMAIN]`, as in `tls://127.0.0.1:5061/example.com`; or a zone file and the
    /// owner name of a service in it
    ///
    /// XMPP: `xmpp` and `xmpp-server` with STARTTLS, `xmpps` and `xmpps-server` with direct TLS
    ///
    /// HTTP: `https://NAME[:PORT][/PATH]`, or `https://ADDRESS[:PORT][/DOMAIN[/PATH]]`
    ///
    /// gRPC: `grpc[+tls]://HOST:PORT[/DOMAIN[/SERVICE]]`; name servers: `dns[+tcp]://HOST[:PORT]/NAME[/TYPE]`; ping:
    /// `icmp://HOST`
    #[arg(required = true, value_name = "TARGET or ZONE OWNER", num_args = 1..)]
    pub what: Vec<String>,
    /// Networks that may be probed too, as in 192.0.2.0/24: documentation addresses, or what a config's `probe-allow` lacks
    #[arg(long, value_name = "NETWORK")]
    pub allow: Vec<String>,
    /// Who resolves hosts that are named: ADDRESS:PORT, or a resolv.conf; default: what the config says, else
    /// /etc/resolv.conf
    #[arg(long, value_name = "RESOLVER")]
    pub resolver: Option<Resolver>,
    /// How long the whole probe may take, as in 2s or 500ms; a bare number is seconds; default: 2s, or what the config says
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    pub timeout: Option<Duration>,
    /// What makes a certificate a failure
    #[arg(long, value_enum, default_value_t)]
    pub verify: Verify,
    /// The CA that certificates must come from, PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to servers which ask for one, with its chain, PEM
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate, PEM; default: it stands in the certificate's file
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    pub client_key: Option<PathBuf>,
    /// Whom turn logs in as
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file with the user's password, in one line
    #[arg(long, value_name = "FILE", requires = "user", conflicts_with = "secret_file")]
    pub password_file: Option<PathBuf>,
    /// A file with the secret that makes passwords (coturn's use-auth-secret), in one line
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What makes a certificate a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Expiry and a wrong name; an unknown issuer is a warning.
    #[default]
    Name,
    /// An unknown issuer too.
    Require,
    /// Nothing.
    Off,
}

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The name, its type (default: what the name has), and the config (.toml) or zones to read, in any order; what
    /// names a file is a file
    #[arg(required = true, value_name = "NAME [TYPE] [CONFIG or ZONE]", num_args = 1..)]
    pub what: Vec<String>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
    /// Take these hosts, addresses or host:port as down
    #[arg(long, value_name = "HOST,…", value_delimiter = ',')]
    pub down: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `simulate`
#[derive(Debug, Args)]
pub struct Simulate {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub sources: Sources,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
    /// The hosts, addresses or host:port that are down
    #[arg(long, value_name = "HOST,…", value_delimiter = ',')]
    pub down: Vec<String>,
    /// Exit with 1 unless this service would be at this tier: its number, `last-resort` or `all-down`. May be given several
    /// times
    #[arg(long, value_name = "SERVICE=TIER", value_parser = expectation)]
    pub expect: Vec<Expectation>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `simulate` is expected to find of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its name.
    pub service: String,
    /// The number of the active tier, `last-resort` or `all-down`.
    pub tier: String,
}

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// The zone files
    #[arg(required = true, value_name = "ZONE")]
    pub zones: Vec<PathBuf>,
    /// Write to this file, which must not be there yet; default: standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `ready`
#[derive(Debug, Args)]
pub struct Ready {
    /// Where the server answers; without a port it is 53
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = address)]
    pub server: Option<SocketAddr>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
    /// Ask whether it is live instead: not live means that it must be restarted
    #[arg(long)]
    pub live: bool,
    /// How long to wait for the answer, as in 2s or 500ms; a bare number is seconds
    #[arg(long, value_name = "DURATION", value_parser = timeout, default_value = "1s")]
    pub timeout: Duration,
}

/// The severities, so that help and errors name them.
fn severities() -> impl TypedValueParser<Value = Severity> {
    let words = [Severity::Error, Severity::Warning, Severity::Note].map(Severity::as_str);
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Severity>())
}

/// Reads an address as the config does.
fn address(text: &str) -> Result<SocketAddr, String> {
    values::socket_text(text, DNS_PORT).map_err(|wanted| format!("it takes {wanted}"))
}

/// Reads a duration as the config does, or a number of seconds such as `2` or `0.5`.
fn timeout(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|number| Duration::try_from_secs_f64(number).ok());
    match seconds.filter(|seconds| (SHORTEST..=LONGEST).contains(seconds)) {
        Some(seconds) => Ok(seconds),
        None => values::duration_text(text, SHORTEST, LONGEST).map_err(|wanted| format!("it takes {wanted}")),
    }
}

/// Reads `SERVICE=TIER`.
fn expectation(text: &str) -> Result<Expectation, String> {
    let (service, tier) = text.split_once('=').unwrap_or_default();
    let is_tier = tier.parse::<u16>().is_ok() || ["last-resort", "all-down"].contains(&tier);
    if service.is_empty() || !is_tier {
        return Err("it takes SERVICE=TIER, as in _sip._tcp.example.com=20, or =last-resort or =all-down".to_owned());
    }
    Ok(Expectation { service: service.to_owned(), tier: tier.to_owned() })
}

/// The bounds of time-outs.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(3_600);

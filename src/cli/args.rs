//! The command-line arguments.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::base::finding::Severity;
use crate::config::Resolver;

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
}

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  findings, or a probe that failed
  2  wrong use or unreadable input
  3  could not start: port, permission, state folder
  4  refused by a running server

Try it: understudy demo";

/// The words of the operator.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves zones and watches their targets, until SIGTERM; SIGHUP reloads config and zones
    Serve(Serve),
    /// Looks for mistakes in config and zones: offline, or with --live at the targets too
    Check(Check),
    /// Probes one target, or every target of a service, once, and tells it step by step
    Probe(Probe),
    /// Tells why a name is answered as it is: targets, the rule that chose, the TTL
    Explain(Explain),
    /// Tells what would be served if these hosts, addresses or ports were down
    Simulate(Simulate),
    /// Asks a running server whether it is ready: exit code 0 or 1, for containers and scripts
    Ready(Ready),
    /// Shows a failover on this machine: stand-in targets on loopback, a zone, and a server
    Demo(Demo),
    /// Prints a completion script for a shell
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page of the program or of one command, in roff
    Man {
        /// The command.
        #[arg(value_name = "COMMAND", value_parser = PossibleValuesParser::new(PAGES))]
        of: Option<String>,
    },
}

/// The commands that have a manual page of their own.
const PAGES: [&str; 7] = ["serve", "check", "probe", "explain", "simulate", "ready", "demo"];

/// Where config and zones come from.
#[derive(Debug, Args, Default)]
pub struct Sources {
    /// A config (.toml) or zones (anything else); none: $UNDERSTUDY_CONFIG, ./understudy.toml,
    /// /etc/understudy/understudy.toml
    #[arg(value_name = "CONFIG or ZONE")]
    pub files: Vec<PathBuf>,
}

/// Where the state is.
#[derive(Debug, Args, Default)]
pub struct State {
    /// The state folder, or `none`; default: $STATE_DIRECTORY, else $XDG_STATE_HOME/understudy, else
    /// /var/lib/understudy
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub sources: Sources,
    /// Where to answer, over the config's `listen`; may be given several times
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<SocketAddr>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
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

/// The form of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// `check`
#[derive(Debug, Args)]
pub struct Check {
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub sources: Sources,
    /// The form of the output
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
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
    /// How long the whole probe may take, in seconds; default: 2, or what the config says
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<f64>,
    /// What makes a certificate a failure
    #[arg(long, value_enum, default_value_t)]
    pub verify: Verify,
    /// The CA that certificates must come from, PEM
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
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
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `ready`
#[derive(Debug, Args)]
pub struct Ready {
    /// Where the server answers
    #[arg(long, value_name = "ADDR:PORT")]
    pub server: Option<SocketAddr>,
    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub state: State,
    /// Ask whether it is live instead: not live means that it must be restarted
    #[arg(long)]
    pub live: bool,
    /// How long to wait for the answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub timeout: f64,
}

/// `demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Do it all without a keyboard and print each answer as it changes
    #[arg(long)]
    pub script: bool,
    /// Where to answer
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5300")]
    pub listen: SocketAddr,
}

/// The severities, so that help and errors name them.
fn severities() -> impl TypedValueParser<Value = Severity> {
    let words = [Severity::Error, Severity::Warning, Severity::Note].map(Severity::as_str);
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Severity>())
}

/// Reads a number of seconds such as `2` or `0.5`.
pub fn seconds(number: f64) -> Option<std::time::Duration> {
    std::time::Duration::try_from_secs_f64(number).ok().filter(|duration| !duration.is_zero())
}

/// The addresses at which a server without a config answers.
pub const DEFAULT_SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5300);

//! The check `exec`: runs a program, without a shell, and reads its exit code as Nagios does.
//!
//! | exit code | outcome |
//! |---|---|
//! | 0 | pass |
//! | 1 | degraded; with `warning = "down"` as 2 |
//! | 2; not finished within the timeout | fail, silent: it is not known whether the target or the path to it failed |
//! | 3, any other; a signal; it cannot be started; too many run | unknown |
//!
//! The program gets the environment `CHECK_ADDRESS`, `CHECK_PORT`, `CHECK_DOMAIN`, `CHECK_TIMEOUT_MS`, `CHECK_ID` and nothing else;
//! in its arguments `{address}`, `{port}` and `{domain}` are replaced. It runs in a process group of its own, as the
//! server's user, in `/`. The whole group gets SIGTERM on timeout, and SIGKILL after that and after the program has
//! ended; so does what has left the group, which is found by `CHECK_ID`.
//!
//! **Invariant:** program and arguments come from the config; of a zone's data only an address, a port and a domain of
//! plain letters reach it.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use data_encoding::HEXLOWER;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::select;
use tokio::time::{sleep, timeout};
use toml::de::DeValue;

use super::attempt::{Attempt, Ending, Probe, silent, unknown};
use super::descendants;
use super::kind::{CheckContext, KindKeys};
use crate::base::finding::Place;
use crate::base::terminal::sanitize;
use crate::health::Outcome;
use crate::keys::reader::{Each, Reader, Section};
use crate::keys::values::{self, Read};
use crate::keys::{Listed, statement};

statement! {
    /// What `{ kind = "exec", … }` may say.
    pub struct ExecKeys of a check {
        /// The program; missing only beside a finding.
        program: PathBuf = program;
        /// Its arguments.
        arguments: Vec<String> = Each(argument);
        /// What the exit code 1 means.
        warning: OnWarning = values::choice(&[("degraded", OnWarning::Degraded), ("down", OnWarning::Down)]);
    }
    also {
        /// Where the program stands.
        place: Option<Place>
    }
}

impl KindKeys for ExecKeys {
    type Check = Exec;

    const FORMS: &'static [Listed] = &[(Exec::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"exec\", program = \"/…\", arguments = [\"-H\", \"{address}\"] } runs a program with Nagios exit codes, if `exec` in
[health] allows it; it may say warning = \"down\" (exit code 1 is a failure too).";

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        if !table.has("program") {
            reader.missing(table, "program", "name it, such as program = \"/usr/lib/nagios/plugins/check_ldap\"");
        }
        let keys = Self::read_keys(reader, table);
        let place = keys.program.is_some().then(|| reader.value_place(table, "program"));
        Self { place, ..keys }
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Exec> {
        let arguments = self.arguments.clone().unwrap_or_default();
        let warning = self.warning.unwrap_or(OnWarning::Degraded);
        Some(Exec { program: self.program.clone()?, arguments, warning, domain: context.domain.clone() })
    }

    fn needs_port(&self) -> bool {
        false
    }

    fn programs(&self) -> Vec<&Place> {
        self.place.iter().collect()
    }
}

fn program(value: &DeValue<'_>) -> Read<PathBuf> {
    let path = values::path(value).ok().filter(|path| path.is_absolute());
    path.ok_or_else(|| "the absolute path of a program: there is no shell, and no PATH".to_owned())
}

fn argument(value: &DeValue<'_>) -> Read<String> {
    let text = value.as_str().filter(|text| text.len() <= ARGUMENT_MAX && !text.contains('\0'));
    text.map(str::to_owned).ok_or_else(|| format!("texts of at most {ARGUMENT_MAX} octets"))
}

/// Parameters of [`Check::Exec`](super::Check::Exec).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The program: an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What the exit code 1 means.
    pub warning: OnWarning,
    /// The service's domain, without its final dot.
    pub domain: String,
}

/// `warning`: what the exit code 1 means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnWarning {
    /// Alive, and to be preferred less, as Nagios means it.
    Degraded,
    /// A failure, as for programs that know only 0 and 1.
    Down,
}

impl Probe for Exec {
    const KIND: &'static str = "exec";

    fn transport(&self) -> &'static str {
        crate::health::NO_TRANSPORT
    }

    fn parameters(&self) -> String {
        let mut text = format!("\"{}\"", self.program.display().to_string().escape_default());
        for argument in &self.arguments {
            text.push_str(&format!(" \"{}\"", argument.escape_default()));
        }
        if self.warning == OnWarning::Down {
            text.push_str(" warning=down");
        }
        text.push_str(&format!(" domain={}", self.domain.to_ascii_lowercase()));
        text
    }

    fn has_port(&self) -> bool {
        false
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        attempt.begin("exec");
        let grace = GRACE.min(attempt.left() / 4);
        let limit = attempt.left().saturating_sub(grace);
        // Our own load is no fault of the target.
        let waited = timeout(limit, attempt.context.programs().acquire()).await;
        let Ok(Ok(_permit)) = waited else {
            return Err(attempt.fails(unknown("too many programs run already")));
        };
        let mark = attempt.context.random::<16>().map(|octets| HEXLOWER.encode(&octets));
        let mark = mark.ok_or_else(|| attempt.fails(unknown("the system gives no random numbers")))?;
        let mut command = self.command(attempt)?;
        command.env(descendants::KEY, &mark);
        let child = command.spawn();
        let child = child.map_err(|error| {
            attempt.fails(unknown(format!("{} cannot be started: {error}", self.program.display())))
        })?;
        let mut group = Group::of(child, mark);
        let limit = attempt.left().saturating_sub(grace);
        let ended = select! {
            ended = group.run() => Some(ended),
            () = sleep(limit) => None,
        };
        let Some((status, output)) = ended else {
            group.signal(Signal::TERM);
            drop(timeout(grace / 2, group.child.wait()).await);
            return Err(attempt.fails(silent(format!("not done within {limit:?}, ended"))));
        };
        let status = status.map_err(|error| attempt.fails(unknown(format!("its end was not seen: {error}"))))?;
        judge(status, &first_line(&output), self.warning, attempt)
    }
}

impl Exec {
    fn command(&self, attempt: &mut Attempt<'_>) -> Result<Command, Outcome> {
        // What begins with a hyphen could pass for an option.
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
        if self.domain.starts_with('-') || !self.domain.bytes().all(plain) {
            return Err(attempt.fails(unknown("the domain is no plain name and is not handed to a program")));
        }
        let (address, port) = (attempt.address.ip().to_string(), attempt.address.port().to_string());
        let fill = |argument: &String| {
            argument.replace("{address}", &address).replace("{port}", &port).replace("{domain}", &self.domain)
        };
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(fill))
            .env_clear()
            .env("CHECK_ADDRESS", &address)
            .env("CHECK_PORT", &port)
            .env("CHECK_DOMAIN", &self.domain)
            .env("CHECK_TIMEOUT_MS", attempt.left().as_millis().to_string())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }
}

/// A program and all that it has started; dropped, it is killed.
struct Group {
    child: Child,
    leader: Option<Pid>,
    /// What its processes have in their environment.
    mark: String,
}

impl Group {
    fn of(child: Child, mark: String) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, leader, mark }
    }

    /// Waits for the program's end, and takes the begin of its output: as much as there is by then.
    async fn run(&mut self) -> (std::io::Result<ExitStatus>, Vec<u8>) {
        let mut output = Vec::with_capacity(OUTPUT_MAX);
        let Some(mut pipe) = self.child.stdout.take() else { return (self.child.wait().await, output) };
        let status = select! {
            status = self.child.wait() => status,
            () = drain(&mut pipe, &mut output) => self.child.wait().await,
        };
        // What it has written is in the pipe, unless a process that it left behind still holds that open.
        drop(timeout(REST, drain(&mut pipe, &mut output)).await);
        (status, output)
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // It may be gone already. Its number is not another's so soon: the system hands numbers out in turn.
            kill_process_group(leader, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        descendants::end(std::mem::take(&mut self.mark));
    }
}

/// Reads to the end, and keeps the begin: a program whose pipe is full would wait for us.
async fn drain(pipe: &mut (impl AsyncRead + Unpin), output: &mut Vec<u8>) {
    let mut room = [0; 1024];
    while let Ok(read @ 1..) = pipe.read(&mut room).await {
        let keep = OUTPUT_MAX.saturating_sub(output.len()).min(read);
        output.extend_from_slice(room.get(..keep).unwrap_or_default());
    }
}

/// Returns the first line of an output without what would disturb a terminal, and without what follows `|`: figures
/// for graphs.
fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().next().unwrap_or_default();
    let line = line.split_once('|').map_or(line, |(text, _)| text);
    let line: String = line.chars().filter(|letter| !letter.is_control()).take(LINE_MAX).collect();
    sanitize(line.trim())
}

fn judge(status: ExitStatus, line: &str, warning: OnWarning, attempt: &mut Attempt<'_>) -> Ending {
    let said = |code: &str| if line.is_empty() { code.to_owned() } else { format!("{code}: {line}") };
    let outcome = match status.code() {
        Some(0) => {
            attempt.saw(said("exit code 0"));
            return Ok(());
        }
        Some(1) if warning == OnWarning::Down => silent(said("exit code 1")),
        Some(1) => Outcome::Degraded(said("exit code 1 (warning)").into()),
        Some(2) => silent(said("exit code 2 (critical)")),
        Some(code) => unknown(said(&format!("exit code {code}"))),
        None => unknown(said(&format!("ended by a signal ({status})"))),
    };
    Err(attempt.fails(outcome))
}

/// The longest argument, in octets.
const ARGUMENT_MAX: usize = 4096;
/// How long before the end of its time a program gets SIGTERM.
const GRACE: Duration = Duration::from_millis(200);
/// How long the rest of the output is waited for after the program's end.
const REST: Duration = Duration::from_millis(50);
/// The longest output that is kept, in octets.
const OUTPUT_MAX: usize = 4096;
/// The longest line that is shown, in characters.
const LINE_MAX: usize = 200;

//! The program as a child process: its folder, its arguments, its log, its end.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything that must happen may take on a busy machine. What happens earlier is waited for no longer.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// How often a test begins anew what a busy machine may have kept it from seeing.
const ROUNDS: usize = 5;

/// Long enough for a change to be published, were there one: that takes 100 ms at most.
const WHILE: Duration = Duration::from_millis(300);

/// Asks again and again until there is something, or [`SOON`] is over.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begin.elapsed() < SOON, "not within {SOON:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Asks again and again for a while, in which it must hold.
#[track_caller]
pub(crate) fn stays(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while begin.elapsed() < WHILE {
        assert!(holds(), "no longer: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Plays a round that shows something only if the machine gives its time to it, until one does.
///
/// So no moment of a busy machine fails a test, and what is never seen does.
#[track_caller]
pub(crate) fn in_some_round(what: &str, round: impl FnMut() -> bool) {
    let mut round = round;
    assert!((0..ROUNDS).any(|_| round()), "in none of {ROUNDS} rounds: {what}");
}

/// A folder that is gone when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("understudy-process-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        // Whole or not at all, as editors do: a reload may be reading.
        let new = self.path(&format!("{name}.new"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The loopback addresses of one test: 127, two octets of this process's number, and one that nobody else has taken.
#[derive(Clone, Copy)]
pub(crate) struct Network([u8; 2]);

impl Network {
    pub(crate) fn new() -> Self {
        let [.., a, b] = std::process::id().to_be_bytes();
        // 127.0.0.x and 127.255.255.x have other uses.
        Self([a.clamp(1, 254), b])
    }

    pub(crate) fn take(self) -> Ipv4Addr {
        static NUMBER: AtomicU16 = AtomicU16::new(1);
        let [block, number] = NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        assert!(block < 4, "too many addresses in one run");
        // A run with a number near to this one's is most likely not at its second block.
        Ipv4Addr::new(127, self.0[0], self.0[1].wrapping_add(block * 64), number)
    }
}

/// What is run, and as whom.
pub(crate) struct Program {
    pub(crate) command: Command,
    /// The file of the program, if it is started by that.
    _program: Option<File>,
}

impl Program {
    /// A call of the program with nothing of this environment that it reads; a server logs JSON.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
        match arguments {
            ["serve", rest @ ..] if !arguments.contains(&"--log-format") => {
                command.args(["serve", "--log-format", "json"]).args(rest)
            }
            _ => command.args(arguments),
        };
        for variable in
            ["UNDERSTUDY_CONFIG", "STATE_DIRECTORY", "XDG_STATE_HOME", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"]
        {
            command.env_remove(variable);
        }
        Self::of(command)
    }

    pub(crate) const fn of(command: Command) -> Self {
        Self { command, _program: None }
    }

    pub(crate) fn argument(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn within(mut self, folder: &Folder) -> Self {
        self.command.current_dir(&folder.0);
        self
    }

    /// Runs as the user nobody; nothing if this process may not choose its user.
    ///
    /// Nobody may not walk through every folder on the way to the program (that of root, for one), but an open file is at
    /// hand to each process that has it.
    pub(crate) fn unprivileged(self) -> Option<Self> {
        use std::os::fd::AsRawFd as _;
        use std::os::unix::fs::MetadataExt as _;
        (std::fs::metadata("/proc/self").unwrap().uid() == 0).then(|| {
            let program = File::open(self.command.get_program()).unwrap();
            let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
            command.args(self.command.get_args()).uid(NOBODY).gid(NOBODY);
            for (name, value) in self.command.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            if let Some(folder) = self.command.get_current_dir() {
                command.current_dir(folder);
            }
            Self { command, _program: Some(program) }
        })
    }

    /// Runs to its end, which must come soon; returns the exit code and what was said on both streams.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        let readers = streams.map(|stream| std::thread::spawn(move || std::io::read_to_string(stream).unwrap()));
        let mut killed = Killed(child);
        let status = eventually("the program's end", || killed.0.try_wait().unwrap());
        let said: String = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        (status.code().unwrap_or(-1), said)
    }

    /// Runs until it is stopped.
    pub(crate) fn start(mut self) -> Server {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let log = Log::default();
        let (stderr, lines) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.0.read.lock().unwrap().push((Instant::now(), line));
                lines.0.more.notify_all();
            }
        });
        Server { child: Killed(child), log }
    }
}

/// A child that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The lines of a log, each with the moment when it was read.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Lines>);

#[derive(Default)]
struct Lines {
    read: Mutex<Vec<(Instant, String)>>,
    more: Condvar,
}

impl Log {
    pub(crate) fn text(&self) -> String {
        self.lines_from(0).iter().map(|(_, line)| format!("{line}\n")).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read.lock().unwrap().len()
    }

    /// The lines from number `from` on, each with the moment when it was read.
    pub(crate) fn lines_from(&self, from: usize) -> Vec<(Instant, String)> {
        self.0.read.lock().unwrap().iter().skip(from).cloned().collect()
    }

    /// Leaves the log unread until what is returned is dropped.
    pub(crate) fn stall(&self) -> impl Drop {
        self.0.read.lock().unwrap()
    }

    /// Waits for a line from number `from` on that has all these words; returns it read as JSON, and its moment.
    #[track_caller]
    pub(crate) fn wait_from(&self, from: usize, words: &[&str]) -> (Instant, Value) {
        let end = Instant::now() + SOON;
        let mut lines = self.0.read.lock().unwrap();
        loop {
            let found = lines.iter().skip(from).find(|(_, line)| words.iter().all(|word| line.contains(word)));
            if let Some((at, line)) = found {
                return (*at, serde_json::from_str(line).unwrap_or_default());
            }
            let left = end.saturating_duration_since(Instant::now());
            let all = || lines.iter().map(|(_, line)| format!("{line}\n")).collect::<String>();
            assert!(!left.is_zero(), "no line with {words:?} in\n{}", all());
            lines = self.0.more.wait_timeout(lines, left).unwrap().0;
        }
    }
}

/// The running program.
pub(crate) struct Server {
    child: Killed,
    pub(crate) log: Log,
}

impl Server {
    /// Serves these files with a state folder at any port of an own address, logging JSON.
    pub(crate) fn serve(files: &[&Path], state: &Path) -> Self {
        Self::program(files, state).start()
    }

    /// The call of [`Server::serve`], to be refined.
    pub(crate) fn program(files: &[&Path], state: &Path) -> Program {
        let listen = SocketAddr::new(IpAddr::V4(Network::new().take()), 0).to_string();
        let program = Program::new(&["serve", "--listen", &listen, "--state"]).argument(state);
        files.iter().fold(program, |program, file| program.argument(file))
    }

    /// Waits until it listens, and returns where.
    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        let (_, line) = self.log.wait_from(0, &["listening on UDP and TCP"]);
        line["listen"].as_str().unwrap().parse().unwrap()
    }

    /// Waits until it answers; returns the moment.
    #[track_caller]
    pub(crate) fn answering(&self) -> Instant {
        self.log.wait_from(0, &["\"answering\""]).0
    }

    /// The address of `/metrics`.
    #[track_caller]
    pub(crate) fn metrics(&self) -> SocketAddr {
        let (_, line) = self.log.wait_from(0, &["telling metrics"]);
        line["listen"].as_str().unwrap().parse().unwrap()
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(send_signal(&self.id().to_string(), name), "{name}");
    }

    /// Lets it read everything anew and waits for what it says about that.
    #[track_caller]
    pub(crate) fn reload(&self, says: &str) {
        let from = self.log.len();
        self.signal("HUP");
        self.log.wait_from(from, &[says]);
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.0.kill().unwrap();
        self.child.0.wait().unwrap();
    }

    /// Asks it to end and waits; returns how it ended and how long that took.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        self.signal("TERM");
        let status = eventually("the end after SIGTERM", || self.child.0.try_wait().unwrap());
        (status, begin.elapsed())
    }
}

pub(crate) const NOBODY: u32 = 65_534;

/// Waits until the state on disk says so much of so many targets.
pub(crate) fn wait_for_state(state: &Path, word: &str, count: usize) {
    eventually("the state on disk", || {
        let text = std::fs::read_to_string(state.join("state.journal")).unwrap_or_default();
        let last = text.lines().filter_map(|line| {
            let entry: Value = serde_json::from_str(line.split_once(' ')?.1).ok()?;
            let key = entry["key"].as_str()?.to_owned();
            key.starts_with("health/").then(|| (key, entry["value"]["state"] == word))
        });
        let last: std::collections::BTreeMap<String, bool> = last.collect();
        (last.values().filter(|is| **is).count() == count).then_some(())
    });
}

/// Sends a signal to a process; returns whether it is there. Not by the program `kill`, which not every machine has.
pub(crate) fn send_signal(process: &str, name: &str) -> bool {
    let signal = match name {
        "CONT" => Signal::CONT,
        "HUP" => Signal::HUP,
        "KILL" => Signal::KILL,
        "STOP" => Signal::STOP,
        "TERM" => Signal::TERM,
        _ => panic!("which signal is {name}?"),
    };
    kill_process(Pid::from_raw(process.parse().unwrap()).unwrap(), signal).is_ok()
}

//! A network namespace with port 53, /etc/resolv.conf and /etc/hosts of its own; who runs in it dies with it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The room.
pub(crate) struct Room {
    /// What happens in it, for who reads of a failure.
    name: String,
    /// Its first process: a namespace of processes ends with that.
    holder: Child,
    folder: PathBuf,
    running: Vec<Child>,
}

impl Room {
    /// Makes one; whoever asks in it asks 127.0.0.1.
    pub(crate) fn new(name: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("understudy-clients-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"]);
        unshare.args(["--mount-proc", "cat"]);
        let mut holder = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare of util-linux");
        // It echoes a line once it is there.
        holder.stdin.as_mut().unwrap().write_all(b"there\n").unwrap();
        let mut echoed = [0; 6];
        holder.stdout.as_mut().unwrap().read_exact(&mut echoed).expect("a namespace of one's own");
        let room = Self { name, holder, folder, running: Vec::new() };
        let resolv = room.write("resolv.conf", "nameserver 127.0.0.1\n");
        let hosts = room.write("hosts", "127.0.0.1 localhost\n");
        for words in [
            vec!["ip", "link", "set", "lo", "up"],
            vec!["mount", "--bind", resolv.to_str().unwrap(), "/etc/resolv.conf"],
            vec!["mount", "--bind", hosts.to_str().unwrap(), "/etc/hosts"],
        ] {
            let (done, told) = room.run(&words);
            assert!(done, "{words:?}: {told}");
        }
        room
    }

    /// Writes a file of the room.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Returns the path of a file of the room.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a program that runs until the room ends; what it says goes to a file.
    pub(crate) fn start(&mut self, name: &str, words: &[&str]) {
        let said = std::fs::File::create(self.path(&format!("{name}.out"))).unwrap();
        let mut command = self.command(words);
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        self.running.push(command.spawn().unwrap());
    }

    /// Lets this program play a broken server, and waits until its socket is there.
    pub(crate) fn stand_in(&mut self, protocol: &str, mode: &str, address: &str) {
        let program = std::env::current_exe().unwrap().display().to_string();
        self.start("stand-in", &[&program, "play", protocol, mode, address]);
        self.eventually("the stand-in's socket", |room| room.run(&["ss", "-Hlntu"]).1.contains(address));
    }

    /// Runs a program to its end; tells whether it went well, and what it said.
    pub(crate) fn run(&self, words: &[&str]) -> (bool, String) {
        let output = self.command(words).stdin(Stdio::null()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), told)
    }

    /// Waits until something holds.
    #[track_caller]
    pub(crate) fn eventually(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            let is_over = begin.elapsed() > TIMEOUT;
            assert!(!is_over, "{}: not within {TIMEOUT:?}: {what}\n{}", self.name, self.said());
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Returns the hosts that the SRV set of a name has now, sorted.
    pub(crate) fn hosts(&self, owner: &str) -> Vec<String> {
        let (_, told) = self.run(&["dig", "+short", "+norecurse", "+tries=1", "+time=1", "@127.0.0.1", owner, "SRV"]);
        let mut hosts: Vec<String> =
            told.lines().filter_map(|line| Some(line.rsplit(' ').next()?.to_owned())).collect();
        hosts.sort();
        hosts
    }

    fn command(&self, words: &[&str]) -> Command {
        let holder = self.holder.id();
        let mut command = Command::new("nsenter");
        command.args(["--target", &holder.to_string(), "--user", "--net", "--mount", "--preserve-credentials"]);
        command.arg(format!("--pid=/proc/{holder}/ns/pid_for_children")).args(words);
        command
    }

    fn said(&self) -> String {
        let files = std::fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().path());
        let outs = files.filter(|path| path.extension().is_some_and(|ending| ending == "out" || ending == "log"));
        outs.map(|path| format!("── {}\n{}\n", path.display(), tail(&path))).collect()
    }
}

fn tail(path: &Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

impl Drop for Room {
    fn drop(&mut self) {
        for child in [&mut self.holder].into_iter().chain(&mut self.running) {
            drop(child.kill());
            drop(child.wait());
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// How long anything that must happen may take on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

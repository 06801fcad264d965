//! Foreign servers, started as nobody, in a scratch folder, and ended with the test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A running server.
pub(crate) struct Foreign {
    child: Child,
    pub(crate) folder: PathBuf,
}

impl Foreign {
    /// Starts a program in the foreground; `prepare` writes into its folder first.
    #[track_caller]
    pub(crate) fn start(name: &str, program: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let folder = scratch(name);
        prepare(&folder);
        // What is written there must be readable, and the folder writable, to nobody.
        open_up(&folder);
        let inside = folder.display().to_string();
        let words = program.iter().map(|word| word.replace("@/", &format!("{inside}/")));
        let mut command = unprivileged();
        let log = fs::File::create(folder.join("output.log")).unwrap();
        command.args(words).current_dir(&folder).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{program:?} is needed: {error}"));
        Self { child, folder }
    }

    /// Waits until `is_up`; what the server wrote tells why it is not.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, is_up: impl Fn() -> bool) {
        let deadline = now() + Duration::from_secs(30);
        while !is_up() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && now() < deadline, "{ended:?}: {}", self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to the server, which is one process.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it and waits for its end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn output(&self) -> String {
        fs::read_to_string(self.folder.join("output.log")).unwrap_or_default()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // SIGKILL ends a stopped process too.
        self.child.kill().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Makes an empty folder that nobody may use.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("understudy-{name}-{}", std::process::id()));
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn open_up(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            open_up(&path);
        } else {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

/// Runs what follows as nobody, if we are root; it becomes that program, so that signals reach it.
fn unprivileged() -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        command
    } else {
        Command::new("env")
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline of a test")]
fn now() -> Instant {
    Instant::now()
}

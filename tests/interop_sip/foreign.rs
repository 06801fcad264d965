//! Foreign servers, each a group of processes that ends with its test.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::{Folder, SOON};

/// A running server.
pub(crate) struct Foreign {
    child: Child,
    log: PathBuf,
}

impl Foreign {
    /// Starts a tool within a folder, as nobody if we may; a missing tool is a failure that names its package.
    #[track_caller]
    pub(crate) fn start(package: &str, tool: &str, arguments: &[&str], folder: &Folder) -> Self {
        let home = folder.path("");
        // Whoever it runs as writes here.
        std::fs::set_permissions(&home, Permissions::from_mode(0o777)).unwrap();
        let log = folder.path(&format!("{tool}.log"));
        let said = std::fs::File::create(&log).unwrap();
        let mut command = Command::new(tool);
        command.args(arguments).current_dir(home).process_group(0);
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{tool} of Debian's package {package}: {error}"));
        Self { child, log }
    }

    /// Asks again and again whether it is ready; else the test fails with what it said.
    #[track_caller]
    pub(crate) fn await_ready(&mut self, mut is_ready: impl FnMut() -> bool) {
        // Some take most of a minute on a busy machine.
        let end = Instant::now() + 3 * SOON;
        while !is_ready() {
            let is_over = Instant::now() > end || self.child.try_wait().unwrap().is_some();
            assert!(!is_over, "not ready:\n{}", std::fs::read_to_string(&self.log).unwrap_or_default());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Sends a signal to all of its processes.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, &format!("-{}", self.child.id()));
    }

    /// Kills all of its processes and waits for the first.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.child.wait().unwrap();
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // It may be gone already.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("KILL");
            drop(self.child.wait());
        }
    }
}

/// Sends a signal to a process, or to a group if there is a minus before its number.
#[track_caller]
pub(crate) fn signal(name: &str, process: &str) {
    assert!(Command::new("kill").args(["-s", name, "--", process]).status().unwrap().success(), "{name} {process}");
}

/// Writes a path for a config.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

const NOBODY: u32 = 65_534;

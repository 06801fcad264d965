//! A folder that is gone at the end, and programs that run in it as nobody.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const NOBODY: u32 = 65_534;

/// The folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(std::env::temp_dir().join(format!("understudy-detect-{}", std::process::id())));
        folder.make("");
        folder
    }

    /// Makes a folder in it, which nobody may write.
    pub(crate) fn make(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path).unwrap();
        if is_root() {
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        path
    }

    /// Writes a file in it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Starts a program there, as nobody if this is root; its words go to a file.
    pub(crate) fn start(&self, name: &str, package: &str, command: &mut Command) -> Process {
        let log = std::fs::File::create(self.0.join(format!("{name}.log"))).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).current_dir(&self.0);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let program = command.get_program().to_string_lossy().into_owned();
        Process(command.spawn().unwrap_or_else(|error| panic!("{program} (package {package}): {error}")))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A process that does not outlive its value.
pub(crate) struct Process(Child);

impl Process {
    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status();
        assert!(sent.expect("kill (package procps)").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

//! Foreign servers, each with all the processes that it starts, ended with the test.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::Folder;

/// A running server, or something in its place.
pub(crate) enum Foreign {
    /// Processes.
    Tool(Tool),
    /// A thread of this test.
    Mock(crate::mock::Mock),
}

/// A server that runs as processes.
pub(crate) struct Tool {
    child: Child,
    log: PathBuf,
}

impl Foreign {
    /// Starts a tool; a missing one is a failure that names its package.
    #[track_caller]
    pub(crate) fn start(package: &str, tool: &str, arguments: &[&str], folder: &Folder) -> Self {
        Self::start_with(package, tool, arguments, &[], folder)
    }

    /// Starts a tool with variables of its own.
    #[track_caller]
    pub(crate) fn start_with(
        package: &str,
        tool: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
        folder: &Folder,
    ) -> Self {
        let log = folder.path("output.log");
        let said = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new(tool);
        command.args(arguments).envs(variables.iter().copied()).current_dir(folder.path(""));
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let child = command.spawn();
        Self::Tool(Tool {
            child: child.unwrap_or_else(|error| panic!("{tool} of Debian's package {package}: {error}")),
            log,
        })
    }

    /// Names the file to which it logs.
    pub(crate) fn logging(mut self, file: PathBuf) -> Self {
        if let Self::Tool(tool) = &mut self {
            tool.log = file;
        }
        self
    }

    /// How many lines it has logged.
    pub(crate) fn lines(&self) -> usize {
        match self {
            Self::Tool(tool) => std::fs::read_to_string(&tool.log).map_or(0, |text| text.lines().count()),
            Self::Mock(_) => 0,
        }
    }

    /// Sends a signal to all of its processes.
    pub(crate) fn signal(&self, name: &str) {
        match self {
            Self::Tool(tool) => tool.signal(name),
            Self::Mock(mock) => mock.signal(name),
        }
    }

    /// Kills all of its processes, and waits for the first.
    pub(crate) fn kill(&mut self) {
        match self {
            Self::Tool(tool) => tool.kill(),
            Self::Mock(mock) => mock.signal("KILL"),
        }
    }
}

impl Tool {
    fn signal(&self, name: &str) {
        let processes = family(self.child.id());
        let mut arguments = vec!["-s".to_owned(), name.to_owned(), "--".to_owned()];
        arguments.extend(processes.iter().map(u32::to_string));
        // One of them may have ended meanwhile, which is no failure.
        Command::new("kill").args(&arguments).stderr(Stdio::null()).status().unwrap();
    }

    fn kill(&mut self) {
        // What is stopped starts no more, so that none is missed.
        self.signal("STOP");
        self.signal("KILL");
        self.child.wait().unwrap();
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

/// Returns a process and all that it has started, by the parents in proc(5) stat.
fn family(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|process: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            Some((process, parent))
        })
        .collect();
    let (mut known, mut index) = (vec![root], 0);
    while let Some(&parent) = known.get(index) {
        known.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        index += 1;
    }
    known
}

/// Runs a tool to its end, which must be a good one.
#[track_caller]
pub(crate) fn run(package: &str, tool: &str, arguments: &[&str], variables: &[(&str, &str)]) {
    let mut command = Command::new(tool);
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{tool} of Debian's package {package}: {error}"));
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until something accepts connections.
#[track_caller]
pub(crate) fn await_port(address: Ipv4Addr, port: u16) {
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect((address, port)).is_err() {
        assert!(Instant::now() < end, "nobody listens at {address}:{port}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Writes a path for a config.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

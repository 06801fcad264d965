//! Hosts: each is a network namespace on one bridge, with private copies of /etc, /var and /run for the server in it.
//!
//! ```text
//!   hub: the checker, 10.78.0.1 ──bridge──┬── host 10.78.0.2: a server as Debian installed it
//!                                         └── host 10.78.0.3: …
//! ```
//!
//! A server's processes end with their own process namespace; its host stays, so that a killed server refuses.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::server::{Folder, Program};

/// The namespace of the checker, with the bridge to all hosts.
pub(crate) struct Hub(Holder);

/// A host, and the server that runs on it.
pub(crate) struct Host {
    pub(crate) address: Ipv4Addr,
    folder: Folder,
    holder: Holder,
    server: Option<Child>,
    script: String,
}

/// A process that holds namespaces until its input ends.
struct Holder(Child);

impl Hub {
    #[track_caller]
    pub(crate) fn new() -> Self {
        let script = "ip link set lo up; ip link add name hub type bridge; ip address add 10.78.0.1/16 dev hub; \
            ip link set hub up; echo ready; exec cat";
        Self(Holder::start(Command::new("unshare").args(["--net", "sh", "-ec", script]), Stdio::inherit()))
    }

    /// Adds a host whose server is started by this script; it is not started yet.
    #[track_caller]
    pub(crate) fn host(&self, number: u8, name: &str, script: &str) -> Host {
        let (folder, address) = (Folder::new(), Ipv4Addr::new(10, 78, 0, number));
        open(&folder);
        collect_syslog(&folder);
        let hold = folder.write("hold.sh", include_str!("hold.sh"));
        let place = folder.path("").display().to_string();
        let place = place.trim_end_matches('/');
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh"]).arg(hold);
        command.args([place, &self.0.id(), &format!("host{number}"), &address.to_string(), name]);
        let errors = File::create(folder.path("holder.log")).unwrap();
        let holder = Holder::start(&mut command, errors.into());
        Host { address, folder, holder, server: None, script: format!("{}{script}\nstart\n", include_str!("start.sh")) }
    }

    /// Lets a program run at the hub: what enters the namespace becomes the program.
    pub(crate) fn program(&self, mut program: Program) -> Program {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.0.id(), "--net"]);
        command.arg(program.command.get_program()).args(program.command.get_args());
        program.command = command;
        program
    }
}

impl Host {
    /// Starts its server, or starts it again.
    pub(crate) fn start(&mut self) {
        let script = self.folder.write("script.sh", &self.script);
        let said = File::options().create(true).append(true).open(self.folder.path("output.log")).unwrap();
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id(), "--net", "--mount", "unshare", "--pid", "--fork"]);
        command.args(["--kill-child", "--mount-proc", "sh", "-e"]).arg(script);
        command.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said).current_dir("/");
        self.server = Some(command.spawn().unwrap());
    }

    /// Sends a signal to all of its server's processes.
    pub(crate) fn signal(&self, name: &str) {
        let Some(server) = &self.server else { return };
        let mut arguments = vec!["-s".to_owned(), name.to_owned(), "--".to_owned()];
        arguments.extend(family(server.id()).iter().map(u32::to_string));
        // One of them may have ended meanwhile, which is no failure.
        Command::new("kill").args(&arguments).stderr(Stdio::null()).status().unwrap();
    }

    /// Kills all of its server's processes.
    pub(crate) fn kill(&mut self) {
        // What is stopped starts no more, so that none is missed.
        self.signal("STOP");
        self.signal("KILL");
        if let Some(mut server) = self.server.take() {
            server.wait().unwrap();
        }
    }

    /// All that its server has logged: what it wrote, its files, and what it sent to syslog.
    pub(crate) fn logged(&self) -> String {
        // Only what was written on this host is there.
        let inside = format!("/proc/{}/root{}", self.holder.id(), self.folder.path("private/var/log").display());
        let mut files = vec![self.folder.path("output.log"), self.folder.path("syslog.log")];
        collect(Path::new(&inside), &mut files);
        let read = |file: &PathBuf| String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
        files.iter().map(read).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Holder {
    #[track_caller]
    fn start(command: &mut Command, errors: Stdio) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("unshare of util-linux: {error}"));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "namespaces, bridges and overlays need root, and iproute2, openssl and util-linux");
        Self(child)
    }

    fn id(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Writes what comes to a host's /dev/log to a file, as a daemon for syslog does.
fn collect_syslog(folder: &Folder) {
    let (socket, file) = (UnixDatagram::bind(folder.path("syslog")).unwrap(), folder.path("syslog.log"));
    set_mode(&folder.path("syslog"), 0o777);
    let mut file = File::options().create(true).append(true).open(file).unwrap();
    std::thread::spawn(move || {
        let mut octets = [0; 8192];
        while let Ok(read) = socket.recv(&mut octets) {
            let text = String::from_utf8_lossy(&octets[..read]);
            let text = text.split_once('>').map_or(&*text, |(_, behind)| behind).trim_end_matches(['\n', '\0']);
            // RFC 3164 has the host's name behind the time, which programs leave to the daemon.
            let (time, rest) = text.split_at_checked(15).unwrap_or((text, ""));
            if writeln!(file, "{time} node{rest}").is_err() {
                return;
            }
        }
    });
}

/// Collects the text files of a folder and of the folders in it.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, files),
            Ok(kind) if kind.is_file() => files.push(path),
            _ => {}
        }
    }
}

/// Lets every user into a folder: whoever the server runs as.
fn open(folder: &Folder) {
    set_mode(&folder.path(""), 0o755);
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
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

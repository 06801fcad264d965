//! Two network namespaces with one link between them: the checker lives in the near one, its targets in the far one.
//!
//! ```text
//!   near  127.0.0.1, link 10.77.0.1, fd77::1  ───veth───  link 10.77.0.2, fd77::2, targets on 10.77.N.1, fd77:N::1  far
//! ```
//!
//! Both belong to a user namespace of their own, so that no privilege is needed; no packet can leave them.

use std::process::{Child, Command, Stdio};

use crate::server::{Folder, Program, Server};

/// Where a command runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Near,
    Far,
}

/// The two namespaces; they end with the lab.
pub(crate) struct Lab {
    near: Namespace,
    far: Namespace,
}

/// A namespace, held by a process that waits for its input to end.
struct Namespace(Child);

impl Lab {
    /// Makes the namespaces and joins them; `networks` are the numbers N of the targets' networks.
    #[track_caller]
    pub(crate) fn new(networks: &[u8]) -> Self {
        let near = Namespace::hold(Command::new("unshare").args(["--user", "--map-root-user", "--net", "cat"]));
        let far = Namespace::hold(
            Command::new(near.enter()[0].as_str()).args(&near.enter()[1..]).args(["unshare", "--net", "cat"]),
        );
        let lab = Self { near, far };
        let peer = lab.far.0.id().to_string();
        lab.ip(Side::Near, &format!("link add near type veth peer name far netns {peer}"));
        for (side, link, last) in [(Side::Near, "near", 1), (Side::Far, "far", 2)] {
            lab.ip(side, "link set lo up");
            lab.ip(side, &format!("link set {link} up"));
            lab.ip(side, &format!("address add 10.77.0.{last}/24 dev {link}"));
            lab.ip(side, &format!("address add fd77::{last}/64 dev {link} nodad"));
        }
        lab.ip(Side::Near, "route add 10.77.0.0/16 via 10.77.0.2");
        lab.ip(Side::Near, "route add fd77::/16 via fd77::2");
        for network in networks {
            lab.ip(Side::Far, &format!("address add 10.77.{network}.1/32 dev lo"));
            lab.ip(Side::Far, &format!("address add fd77:{network}::1/128 dev lo nodad"));
        }
        lab
    }

    /// Changes something by `ip` of Debian's package iproute2.
    #[track_caller]
    pub(crate) fn ip(&self, side: Side, words: &str) {
        let told = self.run(side, &["ip"], words);
        assert!(told.0, "ip {words}: {}", told.1);
    }

    /// Takes IPv6 from one side.
    #[track_caller]
    pub(crate) fn disable_ipv6(&self, side: Side) {
        let words = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6";
        let [first, rest @ ..] = &self.enter(side)[..] else { unreachable!() };
        // The namespace's own /proc/sys: it follows whoever looks.
        assert!(Command::new(first).args(rest).args(["sh", "-c", words]).status().unwrap().success(), "{words}");
    }

    /// Starts our program with the listeners that stand in for targets at these addresses.
    pub(crate) fn targets(&self, folder: &Folder, addresses: &[&str]) -> Server {
        let zone = "$ORIGIN target.example.\n$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 127.0.0.1\n";
        let zone = folder.write("target.zone", zone);
        let listen = addresses.iter().flat_map(|address| ["--listen", address]);
        let words: Vec<&str> = ["serve", "--static", "--state", "none"].into_iter().chain(listen).collect();
        let server = self.program(Side::Far, Program::new(&words).argument(&zone)).start();
        server.answering();
        server
    }

    /// Lets a program run on one side: what enters the namespace becomes the program.
    pub(crate) fn program(&self, side: Side, mut program: Program) -> Program {
        let enter = self.enter(side);
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).arg(program.command.get_program()).args(program.command.get_args());
        for (name, value) in program.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        program.command = command;
        program
    }

    /// Asks a server of the near side by `dig` of Debian's package bind9-dnsutils; the answers, sorted.
    #[track_caller]
    pub(crate) fn dig(&self, words: &str) -> Vec<String> {
        let (_, told) = self.run(Side::Near, &["dig", "+short", "+norecurse", "+tries=1", "+time=2"], words);
        let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Runs a tool on one side; returns whether it succeeded, and what it printed.
    pub(crate) fn run(&self, side: Side, tool: &[&str], words: &str) -> (bool, String) {
        let [first, rest @ ..] = &self.enter(side)[..] else { unreachable!() };
        let output = Command::new(first).args(rest).args(tool).args(words.split_whitespace()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), told)
    }

    fn enter(&self, side: Side) -> Vec<String> {
        match side {
            Side::Near => self.near.enter(),
            Side::Far => self.far.enter(),
        }
    }
}

impl Namespace {
    #[track_caller]
    fn hold(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("unshare and nsenter of util-linux: {error}"));
        // It echoes a line once it is there.
        let line = b"there\n";
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), line).unwrap();
        let mut echoed = [0; 6];
        let read = std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut echoed);
        assert!(
            read.is_ok() && &echoed == line,
            "no namespace: is kernel.unprivileged_userns_clone off, and this not root?"
        );
        Self(child)
    }

    fn enter(&self) -> Vec<String> {
        let pid = self.0.id().to_string();
        ["nsenter", "--target", &pid, "--user", "--net", "--preserve-credentials"].map(str::to_owned).to_vec()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

//! The server on a terminal of its own, as script(1) of Debian's bsdutils makes it; and where it draws no table.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::server::{Folder, Network, eventually, send_signal};
use crate::target::Hosts;

/// A server on a terminal; both end with this value.
pub(crate) struct Terminal {
    script: Child,
    state: PathBuf,
    screen: PathBuf,
}

/// What a terminal is.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// What `TERM` says.
    pub(crate) term: &'static str,
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    /// Whether the log comes to the terminal too; else it goes to the file `log` of the folder.
    pub(crate) with_log: bool,
}

impl Terminal {
    /// Starts the server with its state and its screen in a folder.
    pub(crate) fn serve(folder: &Folder, kind: Kind, listen: &str, files: &[&Path]) -> Self {
        let (state, screen) = (folder.path("state"), folder.path("screen"));
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let log = if kind.with_log { String::new() } else { format!("2>{}", folder.path("log").display()) };
        let run = format!(
            "stty rows {} cols {}; exec {} serve {} --listen {listen} --state {} {log}",
            kind.rows,
            kind.columns,
            env!("CARGO_BIN_EXE_understudy"),
            files.join(" "),
            state.display()
        );
        let mut command = Command::new("script");
        command.args(["--quiet", "--flush", "--return", "--command", &run]).arg(&screen);
        command.env("TERM", kind.term).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        for variable in ["UNDERSTUDY_CONFIG", "STATE_DIRECTORY", "XDG_STATE_HOME", "NO_COLOR"] {
            command.env_remove(variable);
        }
        let script = command.spawn().unwrap_or_else(|error| panic!("script of bsdutils makes the terminal: {error}"));
        Self { script, state, screen }
    }

    /// The number of the server's process, as its state folder says.
    pub(crate) fn pid(&self) -> Option<String> {
        let lock = std::fs::read_to_string(self.state.join("state.lock")).ok()?;
        Some(lock.trim().to_owned()).filter(|pid| !pid.is_empty())
    }

    /// All that was written to the terminal so far.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.screen).unwrap_or_default()).into_owned()
    }

    /// The table that was drawn last, without colours.
    pub(crate) fn table(&self) -> String {
        plain(&self.written()).rsplit("understudy on ").next().unwrap_or_default().to_owned()
    }

    /// Presses the key that ends the server, and waits for its end.
    #[track_caller]
    pub(crate) fn press_q(mut self) {
        self.script.stdin.take().unwrap().write_all(b"q").unwrap();
        let status = eventually("the end by the key q", || self.script.try_wait().unwrap());
        assert!(status.success(), "{status}");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // script would leave its child behind.
        if let Some(pid) = self.pid() {
            send_signal(&pid, "KILL");
        }
        drop(self.script.kill());
        drop(self.script.wait());
    }
}

#[test]
fn no_line_of_the_table_is_wider_than_the_terminal_and_q_ends_it() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let kind = Kind { term: "xterm", rows: 24, columns: 80, with_log: true };
    let terminal = Terminal::serve(&folder, kind, &format!("{}:0", Network::new().take()), &[&zone]);
    eventually("the table", || terminal.table().contains("[q] quit").then_some(()));
    let table = terminal.table();
    for line in table.lines().skip(1) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(table.contains("○ left out") && table.contains("tier 10 serves"), "{table}");
    terminal.press_q();
}

#[test]
fn where_no_table_can_be_drawn_the_log_is_written_without_colours() {
    for (term, rows, columns) in [("dumb", 24, 80), ("dumb", 0, 0)] {
        let (folder, hosts) = (Folder::new(), Hosts::new());
        let zone = folder.write("example.com.zone", hosts.zone());
        let _up = hosts.up();
        let kind = Kind { term, rows, columns, with_log: true };
        let terminal = Terminal::serve(&folder, kind, &format!("{}:0", Network::new().take()), &[&zone]);
        eventually("the log", || terminal.written().contains(" answering ").then_some(()));
        let written = terminal.written();
        assert!(!written.contains('\x1b') && !written.contains("[q] quit"), "{written}");
        assert!(written.contains("INFO") && written.contains("zones=1 services=1 targets=3"), "{written}");
    }
}

#[test]
fn watch_draws_on_no_dumb_terminal() {
    let folder = Folder::new();
    let screen = folder.write("screen", "");
    let run = format!("{} watch --state {}", env!("CARGO_BIN_EXE_understudy"), folder.path("state").display());
    let mut command = Command::new("script");
    command.args(["--quiet", "--flush", "--return", "--command", &run]).arg(&screen).env("TERM", "dumb");
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let said = plain(&std::fs::read_to_string(&screen).unwrap());
    assert!(status.code() == Some(2) && said.contains("`understudy status` prints once"), "{status} {said}");
}

#[test]
fn on_a_terminal_without_a_size_the_log_is_written() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let kind = Kind { term: "xterm", rows: 0, columns: 0, with_log: true };
    let terminal = Terminal::serve(&folder, kind, &format!("{}:0", Network::new().take()), &[&zone]);
    eventually("the log", || plain(&terminal.written()).contains(" answering ").then_some(()));
    assert!(!plain(&terminal.written()).contains("[q] quit"));
}

/// Takes colours and moves of the cursor away.
fn plain(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = |piece: &str| piece.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).chars().skip(1).collect();
    pieces.map(rest).fold(first, |text, piece: String| text + &piece).replace('\r', "")
}

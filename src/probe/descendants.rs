//! Ends what a program of an `exec` check has left behind, wherever it went: a process may leave its group and its parent, but
//! not the environment that it was started with.

use std::thread;

use rustix::process::{Pid, Signal, kill_process};

/// Ends all processes that were started with `KEY=mark`, on a thread of its own, as the system's list of processes is read.
pub(super) fn end(mark: String) {
    let started = thread::Builder::new().name("exec-end".to_owned()).spawn(move || {
        // What is started while the list is read is found by the next look.
        for _ in 0..LOOKS {
            let found = marked(&mark);
            if found.is_empty() {
                return;
            }
            for pid in found {
                // It may be gone already.
                kill_process(pid, Signal::KILL).ok();
            }
        }
    });
    // Without a thread only the group has ended.
    drop(started);
}

/// Finds the processes of this user with a mark in their environment.
fn marked(mark: &str) -> Vec<Pid> {
    let wanted = format!("{KEY}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let has_mark = |pid: &i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|octet| *octet == 0).any(|variable| variable == wanted.as_bytes())
    };
    pids.filter(has_mark).filter_map(Pid::from_raw).collect()
}

/// The variable that holds the mark.
pub(super) const KEY: &str = "CHECK_ID";
/// How often the list is looked through at most.
const LOOKS: usize = 5;

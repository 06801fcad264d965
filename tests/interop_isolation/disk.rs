//! A state folder on a disk that is full or read-only at a start: in a mount namespace of its own.

use std::process::Command;

use super::server::{Folder, Program, Server, eventually};

const ZONE: &str = "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\n\
    ns1 IN A 127.0.0.1\n";

/// Runs the program where `script` has made the folder `$1`.
fn serve(folder: &Folder, script: &str) -> Server {
    let state = folder.path("state");
    std::fs::create_dir_all(&state).unwrap();
    let zone = folder.write("example.com.zone", ZONE);
    let config = folder.write("understudy.toml", "version = 1\n[server]\nmetrics-listen = \"127.0.0.1:0\"\n");
    let program = Program::new(&["serve", "--listen", "127.0.0.1:0", "--state"]).argument(&state);
    let program = program.argument(&config).argument(&zone);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", &format!("{script}; shift; exec \"$@\""), "sh"]);
    command.arg(&state).arg(program.command.get_program()).args(program.command.get_args());
    Program::of(command).start()
}

/// It answers, and says in log and metrics what is wrong and what helps.
fn serves_with_an_error(server: &Server, help: &str) {
    server.answering();
    let (_, line) = server.log.wait_from(0, &["state folder"]);
    assert_eq!(line["level"], "ERROR", "{line}");
    assert!(line.to_string().contains(help) && !line.to_string().contains("chown"), "{line}");
    let metrics = server.metrics();
    eventually("the metric", || {
        let text = Command::new("curl").args(["-s", &format!("http://{metrics}/metrics")]).output().unwrap().stdout;
        String::from_utf8(text).unwrap().contains("understudy_state_behind 1").then_some(())
    });
}

#[test]
fn a_full_disk_is_no_reason_not_to_answer() {
    let folder = Folder::new();
    // No inode is left for the journal.
    let server = serve(&folder, "mount -t tmpfs -o size=64k,nr_inodes=1,mode=700 none \"$1\"");
    serves_with_an_error(&server, "make room");
}

#[test]
fn a_read_only_disk_is_no_reason_not_to_answer() {
    let folder = Folder::new();
    let server = serve(&folder, "mount -t tmpfs -o size=64k,mode=700 none \"$1\"; mount -o remount,ro none \"$1\"");
    serves_with_an_error(&server, "mount it so that it can be written");
}

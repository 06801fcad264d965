//! `user` in `[server]`: root binds the ports, and the server runs as somebody who may do nothing else.

use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::bad_input::{START, USAGE, ends};
use crate::client::{DECLARED, ask_sip, wait_sip};
use crate::operate::call;
use crate::server::{Folder, NOBODY, Network, Program, Server, eventually};
use crate::target::Hosts;

/// Whether this process may become somebody else; said where it may not.
fn is_root() -> bool {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        println!("not shown: only root can start the program as another user");
    }
    is_root
}

/// The lines of every thread's status that tell what it may do, each as its words.
fn rights(server: &Server) -> Vec<Vec<String>> {
    const FIELDS: [&str; 8] = ["Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"];
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.id())).unwrap().flatten();
    let statuses = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
    let lines = |status: String| {
        let lines = status.lines().map(|line| line.replace(':', " "));
        let words = lines.map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<String>>());
        words.filter(|words| words.first().is_some_and(|field| FIELDS.contains(&field.as_str()))).collect::<Vec<_>>()
    };
    statuses.flat_map(lines).collect()
}

/// Waits until every thread is nobody, without any capability and without a way to one.
#[track_caller]
fn wait_for_nobody(server: &Server, bounding_set: &str) {
    const NONE: &str = "0000000000000000";
    server.answering();
    let lines = rights(server);
    let threads = lines.iter().filter(|line| line[0] == "Uid").count();
    assert!(threads > 4, "{threads} threads");
    assert_eq!(lines.len(), threads * 8);
    for line in lines {
        let wanted = match line[0].as_str() {
            "Uid" | "Gid" => "65534",
            "NoNewPrivs" => "1",
            "CapBnd" => bounding_set,
            _ => NONE,
        };
        assert!(line[1..].iter().all(|word| word == wanted), "{line:?}");
    }
}

/// A config whose server becomes nobody, with a privileged port; the files lie in a folder that he may enter.
fn config(folder: &Folder, listen: SocketAddr, more: &str) -> PathBuf {
    let text = format!("version = 1\n[server]\nuser = \"nobody\"\nlisten = [\"{listen}\"]\n{more}");
    folder.write("understudy.toml", text)
}

fn serve(config: &Path, zone: &Path, state: &Path) -> Program {
    Program::new(&["serve", "--state"]).argument(state).argument(config).argument(zone)
}

fn owner(path: &Path) -> (u32, u32) {
    let metadata = std::fs::metadata(path).unwrap();
    (metadata.uid(), metadata.mode() & 0o7777)
}

#[test]
fn root_binds_the_port_and_nobody_serves_takes_orders_and_reloads() {
    if !is_root() {
        return;
    }
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _up = hosts.up();
    let listen = SocketAddr::from((Network::new().take(), 853));
    let config = config(&folder, listen, "");
    let zone = folder.write("example.com.zone", hosts.zone());
    let state = folder.path("lib/understudy");
    let server = serve(&config, &zone, &state).start();
    assert_eq!(server.address(), listen);
    wait_for_nobody(&server, "0000000000000000");
    assert!(ask_sip(listen).is(DECLARED));
    // What it made is its own.
    assert_eq!(owner(&folder.path("lib")), (0, 0o755));
    assert_eq!(owner(&state), (NOBODY, 0o700));
    assert_eq!(owner(&state.join("state.journal")), (NOBODY, 0o600));
    assert_eq!(owner(&state.join("admin.sock")), (NOBODY, 0o660));
    // An order is on disk when it is acknowledged.
    let (code, said) = call(&state, &["drain", "sip-node1"]);
    assert_eq!(code, 0, "{said}");
    wait_sip(listen, &["10 30 sip-node2", "20 0 sip-dr"]);
    // A zone of another folder may come with a reload.
    folder.write("other/example.org.zone", hosts.zone().replace("example.com", "example.org"));
    let text = std::fs::read_to_string(&config).unwrap();
    folder.write("understudy.toml", text + "[[zone]]\nfile = \"other/example.org.zone\"\n");
    server.reload("reloaded");
    drop(server);
    // It is started by root again, and finds what is its own.
    let mut server = serve(&config, &zone, &state).start();
    wait_for_nobody(&server, "0000000000000000");
    wait_sip(listen, &["10 30 sip-node2", "20 0 sip-dr"]);
    assert_eq!(server.terminate().0.code(), Some(0));
}

#[test]
fn what_only_root_may_read_is_told_at_the_start_and_a_reload_keeps_what_is_served() {
    if !is_root() {
        return;
    }
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let listen = SocketAddr::from((Network::new().take(), 0));
    let secrets = folder.write("cookies", "0123456789abcdef0123456789abcdef\n");
    std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = config(&folder, listen, "cookie-secrets = \"cookies\"\n");
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = serve(&config, &zone, &folder.path("state")).start();
    let address = server.address();
    server.answering();
    server.log.wait_from(0, &["a reload would be refused"]);
    server.log.wait_from(0, &["cookies", "Permission denied"]);
    server.reload("reload refused");
    assert!(!ask_sip(address).records.is_empty());
    std::os::unix::fs::chown(&secrets, Some(NOBODY), None).unwrap();
    server.reload("reloaded");
}

#[test]
fn programs_write_only_where_the_server_may() {
    if !is_root() {
        return;
    }
    let (folder, hosts) = (Folder::new(), Hosts::new());
    // Everything below /tmp may be written: the others lie elsewhere, for everybody to write in.
    let elsewhere = Elsewhere::new();
    let program = folder.write(
        "check",
        format!(
            "#!/bin/sh\nfor place in {0}/named {0}/other {1}; do echo here >$place/written; done\nexit 0\n",
            elsewhere.0.display(),
            folder.path("state").display()
        ),
    );
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let more = format!(
        "writable-folders = [\"{}/named\"]\n[health]\nexec = true\n[[service]]\nmatch = \"_sip._tcp.example.com\"\n\
         check = {{ kind = \"exec\", program = \"{}\" }}\n",
        elsewhere.0.display(),
        program.display()
    );
    let config = config(&folder, SocketAddr::from((Network::new().take(), 0)), &more);
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = serve(&config, &zone, &folder.path("state")).start();
    server.answering();
    eventually("what the program writes", || elsewhere.0.join("named/written").exists().then_some(()));
    eventually("what it writes last", || folder.path("state/written").exists().then_some(()));
    if server.log.text().contains("no Landlock") {
        println!("not shown: this kernel has no Landlock");
        return;
    }
    assert!(!elsewhere.0.join("other/written").exists(), "written where it may not");
}

#[test]
fn a_start_that_could_not_go_on_as_that_user_says_what_would_help() {
    if !is_root() {
        return;
    }
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let listen = SocketAddr::from((Network::new().take(), 0));
    let zone = folder.write("example.com.zone", hosts.zone());
    let nobodys = config(&folder, listen, "");
    // An earlier start as root has left it.
    let state = folder.path("state");
    let mut before = serve(&folder.write("root.toml", "version = 1\n"), &zone, &state);
    before.command.args(["--listen", &listen.to_string()]);
    let mut before = before.start();
    before.log.wait_from(0, &["running as root", "`user` of [server]"]);
    before.answering();
    assert_eq!(before.terminate().0.code(), Some(0));
    let chown = format!("chown -R nobody: {}", state.display());
    ends(serve(&nobodys, &zone, &state), START, &["belongs to user 0, not to nobody", &chown]);
    // The folder alone is not enough: what is in it would be refused later.
    std::os::unix::fs::chown(&state, Some(NOBODY), None).unwrap();
    ends(serve(&nobodys, &zone, &state), START, &["state.", "belongs to user 0, not to nobody", &chown]);
    for (name, says) in [("no-such-user", "there is no user no-such-user"), ("root", "root is root")] {
        let text = format!("version = 1\n[server]\nuser = \"{name}\"\nlisten = [\"{listen}\"]\n");
        ends(serve(&folder.write("other.toml", text), &zone, &folder.path("new")), START, &[says, "`user`"]);
    }
    assert!(!folder.path("new").exists());
    let text = "version = 1\n[server]\ngroup = \"nogroup\"\n";
    ends(serve(&folder.write("other.toml", text), &zone, &state), USAGE, &["`group` means nothing without `user`"]);
}

#[test]
fn who_is_that_user_already_gives_up_the_rest_and_another_one_is_refused() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let nobodys = config(&folder, SocketAddr::from((Network::new().take(), 0)), "");
    let state = folder.path("state");
    std::fs::create_dir(&state).unwrap();
    std::os::unix::fs::chown(&state, Some(NOBODY), None).ok();
    let Some(program) = serve(&nobodys, &zone, &state).unprivileged() else {
        println!("not shown: only root can start the program as another user");
        return;
    };
    let mut server = program.start();
    // The bounding set is root's to empty; with `no_new_privs` nothing comes of it.
    let bounding = std::fs::read_to_string("/proc/self/status").unwrap();
    let bounding = bounding.lines().find_map(|line| line.strip_prefix("CapBnd:")).unwrap().trim().to_owned();
    wait_for_nobody(&server, &bounding);
    assert_eq!(server.terminate().0.code(), Some(0));
    let text = "version = 1\n[server]\nuser = \"daemon\"\nlisten = [\"127.0.0.1:0\"]\n";
    let program = serve(&folder.write("other.toml", text), &zone, &state).unprivileged().unwrap();
    ends(program, START, &["user 65534 cannot become daemon", "start it as root or as daemon"]);
}

/// Folders in memory that everybody may write in, gone when the test ends.
struct Elsewhere(PathBuf);

impl Elsewhere {
    fn new() -> Self {
        let path = PathBuf::from(format!("/dev/shm/understudy-privileges-{}", std::process::id()));
        for folder in ["named", "other"] {
            let folder = path.join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        Self(path)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

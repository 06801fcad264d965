//! Where the state lies, and that one folder has one server.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::client::{DECLARED, STANDBY, ask_sip, fetch, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Network, Program, Server, eventually};
use crate::target::Hosts;

/// Serves without `--state`.
fn serve(zone: &Path) -> Program {
    let listen = format!("{}:0", Network::new().take());
    Program::new(&["serve", "--listen", &listen]).argument(zone)
}

fn journal(folder: &Path) {
    eventually("a journal", || folder.join("state.journal").exists().then_some(()));
}

#[test]
fn the_folder_is_that_of_systemd_before_that_of_xdg() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let (systemd, xdg) = (folder.path("systemd"), folder.path("xdg"));
    let server = serve(&zone).variable("STATE_DIRECTORY", &systemd).variable("XDG_STATE_HOME", &xdg).start();
    server.address();
    journal(&systemd);
    assert!(!xdg.exists());
    drop(server);

    let server = serve(&zone).variable("STATE_DIRECTORY", "").variable("XDG_STATE_HOME", &xdg).start();
    server.address();
    journal(&xdg.join("understudy"));
    drop(server);

    // The command line stands over both.
    let given = folder.path("given");
    let server = Server::program(&[&zone], &given).variable("STATE_DIRECTORY", folder.path("other")).start();
    server.address();
    journal(&given);
    assert!(!folder.path("other").exists());
}

#[test]
fn state_none_keeps_nothing() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let mut server = Server::program(&[&zone], "none".as_ref())
        .within(&folder)
        .variable("XDG_STATE_HOME", folder.path("xdg"))
        .start();
    let address = server.address();
    server.answering();
    assert!(ask_sip(address).is(DECLARED));
    assert_eq!(server.terminate().0.code(), Some(0));
    assert!(!folder.path("none").exists() && !folder.path("xdg").exists());
}

#[test]
fn a_folder_that_became_read_only_is_read_and_the_server_serves_with_an_error() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let state = folder.path("state");
    let [node1, node2, _standby] = hosts.up();
    let mut server = Server::serve(&[&config, &zone], &state);
    let address = server.address();
    server.answering();
    drop((node1, node2));
    wait_sip(address, STANDBY);
    assert_eq!(server.terminate().0.code(), Some(0));

    // As of a folder that root restored from elsewhere.
    for (path, mode) in [(state.clone(), 0o755), (state.join("state.journal"), 0o644)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let Some(program) = Server::program(&[&config, &zone], &state).unprivileged() else {
        println!("not shown: only root can start the program as another user");
        return;
    };
    let server = program.start();
    let address = server.address();
    server.answering();
    assert!(ask_sip(address).is(STANDBY), "what was kept is read");
    let (_, line) = server.log.wait_from(0, &["cannot write in the state folder"]);
    assert_eq!(line["level"], "ERROR");
    let text = fetch(server.metrics(), "/metrics");
    assert!(text.contains("understudy_state_behind 1"), "{text}");
}

#[test]
fn a_second_server_with_the_same_folder_is_refused_until_the_first_has_ended() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let state = folder.path("state");
    let first = Server::serve(&[&zone], &state);
    first.address();
    let (code, said) = Server::program(&[&zone], &state).end();
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("is used by another server, process "), "{said}");
    assert!(said.contains("--state DIR"), "{said}");
    first.kill();
    Server::serve(&[&zone], &state).address();
}

#[test]
fn two_servers_with_own_folders_stand_side_by_side() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let servers = ["a", "b"].map(|name| Server::serve(&[&zone], &folder.path(name)));
    for server in &servers {
        let address = server.address();
        server.answering();
        assert!(ask_sip(address).is(DECLARED));
    }
}

//! Signals at any moment: while files are read, before it answers, in the midst of a reload; and files that never end.

use std::fmt::Write as _;
use std::net::UdpSocket;
use std::process::{Command, Stdio};

use crate::client::{DECLARED, ask_sip};
use crate::server::{Folder, Network, Program, Server, eventually};
use crate::target::Hosts;

#[test]
fn a_reload_asked_for_before_it_answers_comes_after_the_start() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    // Targets without an answer: it waits for three seconds.
    let _deaf = hosts.deaf();
    let server = Server::serve(&[&zone], "none".as_ref());
    let address = server.address();
    server.signal("HUP");
    server.log.wait_from(0, &["\"reloaded\""]);
    server.answering();
    assert!(ask_sip(address).is(DECLARED));
}

#[test]
fn the_wish_to_end_is_heard_while_hosts_outside_are_asked_for() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let outside = "_turn._udp 60 SRV 10 0 3478 relay.example.net.\n";
    let zone = folder.write("example.com.zone", hosts.zone() + outside);
    // A resolver that never answers holds the start up for seconds.
    let resolver = UdpSocket::bind((Network::new().take(), 0)).unwrap();
    resolver.set_read_timeout(Some(crate::server::SOON)).unwrap();
    let text = format!("version = 1\n[health]\nresolver = \"{}\"\n", resolver.local_addr().unwrap());
    let config = folder.write("understudy.toml", text);
    let mut server = Server::serve(&[&config, &zone], "none".as_ref());
    // It has begun to ask, and does not listen to anybody yet.
    resolver.recv_from(&mut [0; 512]).unwrap();
    server.signal("HUP");
    let (status, _) = server.terminate();
    assert_eq!(status.code(), Some(0));
    server.log.wait_from(0, &["asked to end before it was started"]);
}

#[test]
fn the_wish_to_end_does_not_wait_for_a_reload() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let mut server = Server::serve(&[&zone], "none".as_ref());
    server.address();
    server.answering();
    // Seconds of reading.
    let many = (0..400_000).fold(hosts.zone(), |mut zone, number| {
        writeln!(zone, "name-{number} 60 A 127.0.0.1").unwrap();
        zone
    });
    folder.write("example.com.zone", many);
    server.signal("HUP");
    let (status, _) = server.terminate();
    assert_eq!(status.code(), Some(0));
    server.log.wait_from(0, &["\"stopped\""]);
    assert!(!server.log.text().contains("\"reloaded\""), "{}", server.log.text());
}

#[test]
fn a_file_that_is_a_pipe_or_a_device_is_refused_and_not_waited_for() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let pipe = folder.path("example.com.zone");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let config = folder.write("understudy.toml", "version = 1\n[[zone]]\nfile = \"example.com.zone\"\n");
    for path in [&pipe, &config] {
        let (code, said) = Program::new(&["check"]).argument(path).end();
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("example.com.zone") && said.contains("it is no plain file"), "{said}");
    }
    let endless = folder.path("example.net.zone");
    std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
    let (code, said) = Program::new(&["check"]).argument(&endless).end();
    assert_eq!((code, said.contains("it is no plain file")), (2, true), "{said}");

    // As an included file of a server that runs: the last good version stays.
    std::fs::remove_file(&pipe).unwrap();
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let mut server = Server::serve(&[&zone], "none".as_ref());
    let address = server.address();
    server.answering();
    let inner = folder.path("more.inc");
    assert!(Command::new("mkfifo").arg(&inner).status().unwrap().success());
    folder.write("example.com.zone", hosts.zone() + "$INCLUDE more.inc\n");
    server.reload("it is no plain file");
    eventually("the last good version", || ask_sip(address).is(DECLARED).then_some(()));
    assert_eq!(server.terminate().0.code(), Some(0));
}

#[test]
fn a_key_that_a_zone_includes_is_never_shown() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let key = "-----BEGIN PRIVATE KEY-----\nSESAMESESAMESESAME\n-----END PRIVATE KEY-----\n";
    folder.write("key.pem", key);
    let zone = folder.write("example.com.zone", hosts.zone() + "$INCLUDE key.pem\n");
    let output = Command::new(env!("CARGO_BIN_EXE_understudy")).arg("check").arg(&zone).stdin(Stdio::null()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("no line of it is one of a zone file") && !said.contains("SESAME"), "{said}");
}

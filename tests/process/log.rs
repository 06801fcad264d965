//! A log that nobody reads: answers, reloads and the end go on.

use crate::client::{DECLARED, ask_sip};
use crate::server::{Folder, Server};
use crate::target::Hosts;

#[test]
fn a_log_that_nobody_reads_stops_neither_answers_nor_the_end() {
    let folder = Folder::new();
    folder.write("example.com.zone", Hosts::new().zone());
    let config = folder.write(
        "understudy.toml",
        "version = 1\n[server]\nquery-log = 1\n[[zone]]\nname = \"example.com\"\nfile = \"example.com.zone\"\n",
    );
    let mut server = Server::program(&[&config], "none".as_ref()).argument("--static").start();
    let address = server.address();
    server.answering();

    let log = server.log.clone();
    let stalled = log.stall();
    // Each is a line of more than 150 octets: the pipe's 64 KiB and the reader's buffer are full after some 500.
    for _ in 0..2_000 {
        assert!(ask_sip(address).is(DECLARED));
    }
    let (status, _) = server.terminate();
    assert_eq!(status.code(), Some(0));
    drop(stalled);
}

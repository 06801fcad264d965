//! What the service manager hears: ready, alive, stopping; a mock of systemd's socket stands in for it.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::server::{Folder, SOON, Server};
use crate::target::Hosts;

#[test]
fn the_service_manager_hears_that_it_is_ready_lives_and_stops() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let path = folder.path("notify.socket");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let heard = || {
        let mut octets = [0; 64];
        let length = socket.recv(&mut octets).unwrap();
        String::from_utf8_lossy(octets.get(..length).unwrap()).trim().to_owned()
    };
    let limit = Duration::from_millis(600).as_micros().to_string();
    let program = Server::program(&[&zone], "none".as_ref()).variable("NOTIFY_SOCKET", &path);
    let mut server = program.variable("WATCHDOG_USEC", limit).start();
    // The first beats may come before: the engine lives while the first tests run.
    while heard() != "READY=1" {}
    server.answering();
    assert_eq!([heard(), heard()], ["WATCHDOG=1", "WATCHDOG=1"]);
    assert_eq!(server.terminate().0.code(), Some(0));
    let last = std::iter::from_fn(|| Some(heard())).find(|word| word != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

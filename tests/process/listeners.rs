//! What an answer tells beside its records, and what a reload changes of the listeners.

use crate::client::{DECLARED, STANDBY, query, read_tcp, send, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, SOON, Server, eventually, in_some_round};
use crate::target::Hosts;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};

/// The extended error of the answer to the SIP question: its code and text (RFC 8914).
fn extended(server: SocketAddr) -> Option<(u16, String)> {
    let mut packet = query(crate::client::SIP);
    packet[11] = 1;
    packet.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    let message = Message::from_vec(&send(server, &packet, TIMEOUT).unwrap()).unwrap();
    let edns = message.edns.unwrap();
    edns.options().as_ref().iter().find(|(code, _)| u16::from(*code) == 15).map(|(_, option)| {
        let data = Vec::<u8>::try_from(option).unwrap();
        (u16::from_be_bytes([data[0], data[1]]), String::from_utf8(data[2..].to_vec()).unwrap())
    })
}

#[test]
fn the_reason_of_a_failover_goes_with_the_answer() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let address = server.address();
    server.answering();
    wait_sip(address, DECLARED);
    assert_eq!(extended(address), None);

    drop((node1, node2));
    wait_sip(address, STANDBY);
    assert_eq!(extended(address), Some((0, "standby: tier 20 is active, tier 10 failed".to_owned())));

    drop(standby);
    wait_sip(address, DECLARED);
    let all_down = "all members down: serving the declared set (all-down = declared)";
    assert_eq!(extended(address), Some((0, all_down.to_owned())));
}

#[test]
fn a_reload_limits_who_may_ask() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let name = zone.file_name().unwrap().to_str().unwrap();
    let text = |more: &str| format!("version = 1\n[[zone]]\nfile = \"{name}\"\n{more}");
    let config = folder.write("understudy.toml", text(""));
    let server = Server::program(&[&config], "none".as_ref()).argument("--static").start();
    let address = server.address();
    server.answering();
    let rcode = || crate::client::ask_sip(address).rcode;
    assert_eq!(rcode(), ResponseCode::NoError);
    folder.write("understudy.toml", text("allow-query = [\"192.0.2.0/24\"]\n"));
    server.reload("\"reloaded\"");
    eventually("it is refused", || (rcode() == ResponseCode::Refused).then_some(()));
    folder.write("understudy.toml", text("allow-query = [\"127.0.0.0/8\"]\n"));
    server.reload("\"reloaded\"");
    eventually("it is answered", || (rcode() == ResponseCode::NoError).then_some(()));
}

#[test]
fn what_is_asked_before_the_end_is_answered_and_then_it_ends() {
    let packet = query(crate::client::SIP);
    let framed = [&u16::try_from(packet.len()).unwrap().to_be_bytes(), packet.as_slice()].concat();
    in_some_round("it ends within seconds", || {
        let folder = Folder::new();
        let zone = folder.write("example.com.zone", Hosts::new().zone());
        let mut server = Server::program(&[&zone], "none".as_ref()).argument("--static").start();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        server.answering();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.write_all(&framed).unwrap();
        read_tcp(&mut stream).unwrap();
        stream.write_all(&framed.repeat(50)).unwrap();
        let (status, took) = server.terminate();
        assert!(status.success(), "{status}");
        for number in 0..50 {
            assert!(read_tcp(&mut stream).is_some(), "answer {number}");
        }
        assert!(read_tcp(&mut stream).is_none(), "then it ends");
        took < Duration::from_secs(3)
    });
}

const TIMEOUT: Duration = SOON;

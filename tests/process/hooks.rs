//! Hooks of the running program: a receiver on loopback is told of a failover, and of a reload that failed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};

use serde_json::Value;

use crate::client::{STANDBY, wait_sip};
use crate::failover::quick;
use crate::operate::call;
use crate::server::{Folder, SOON, Server};
use crate::target::{Hosts, Target};

/// Takes every message that comes, and hands its body on.
fn receive(listener: TcpListener) -> Receiver<Value> {
    let (bodies, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some((_, value)) =
                    line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            if bodies.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    received
}

#[test]
fn a_receiver_is_told_of_a_failover_and_of_a_reload_that_failed() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!(
        "[[hook]]\nname = \"oncall\"\nurl = \"http://{}/\"\nbody = '{{\"kind\": {{{{ kind }}}}, \"text\": {{{{ text }}}}, \
         \"severity\": {{{{ severity }}}}}}'\n",
        listener.local_addr().unwrap()
    );
    let received = receive(listener);
    let config = folder.write("understudy.toml", quick("0s") + &hook);
    let zone = folder.write("example.com.zone", hosts.zone());
    let mut targets: Vec<Target> = hosts.up().into();
    let server = Server::serve(&[&config, &zone], &folder.path("state"));
    server.answering();
    targets.drain(..2).for_each(drop);
    wait_sip(server.address(), STANDBY);
    let told = |what: &str| loop {
        let body = received.recv_timeout(SOON).unwrap_or_else(|_| panic!("nobody is told of {what}"));
        if body["text"].as_str().unwrap().contains(what) {
            return body;
        }
    };
    let failover = told("_sip._tcp.example.com: tier 20");
    assert_eq!((&failover["kind"], &failover["severity"]), (&"decision".into(), &"warning".into()), "{failover}");
    folder.write("understudy.toml", quick("0s") + &hook.replace("{{ kind }}", "{{ kin }}"));
    let (code, said) = call(&folder.path("state"), &["reload"]);
    assert!(code == 4 && said.contains("`body` is no template: line 1: undefined value"), "{code} {said}");
    assert_eq!(told("reload failed")["kind"], "reload-failed");
}

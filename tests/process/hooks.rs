//! Hooks of the running program: a receiver on loopback is told of a failover, and of a reload that failed.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::client::{STANDBY, wait_sip};
use crate::failover::quick;
use crate::operate::call;
use crate::server::{Folder, Program, SOON, Server};
use crate::target::{Hosts, Target};

/// Takes every message that comes, and hands its body on.
fn receive(listener: TcpListener) -> Receiver<Value> {
    receive_by(listener, Ok)
}

/// Does the same over what is made of each connection.
fn receive_by<S: Read + Write + Send + 'static>(
    listener: TcpListener,
    wrap: impl Fn(TcpStream) -> std::io::Result<S> + Send + 'static,
) -> Receiver<Value> {
    let (bodies, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // One that trusts nobody here leaves.
            let Ok(body) = wrap(stream.unwrap()).and_then(take) else { continue };
            if bodies.send(body).is_err() {
                return;
            }
        }
    });
    received
}

fn take(stream: impl Read + Write) -> std::io::Result<Value> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line)? > 2 {
        if let Some((_, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    Ok(serde_json::from_slice(&body).unwrap())
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

#[test]
fn the_authorities_of_the_machine_are_read_with_the_config_and_not_for_each_message() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let tls = tls.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], secret).unwrap();
    let tls = Arc::new(tls);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!("[[hook]]\nname = \"oncall\"\nurl = \"https://{}/\"\n", listener.local_addr().unwrap());
    let received = receive_by(listener, move |stream| {
        let connection = ServerConnection::new(Arc::clone(&tls)).map_err(std::io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    });

    let authorities = folder.write("authorities.pem", certificate.pem());
    let good = quick("0s") + &hook;
    let config = folder.write("understudy.toml", &good);
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let state = folder.path("state");
    let server = Server::program(&[&config, &zone], &state).variable("SSL_CERT_FILE", &authorities).start();
    server.answering();
    let reload = |text: &str| {
        folder.write("understudy.toml", text);
        call(&state, &["reload"])
    };
    let tell = || {
        let (code, said) = reload("version = 1\n[helth]\n");
        assert_eq!(code, 4, "{said}");
        let told = received.recv_timeout(SOON).expect("nobody is told");
        assert_eq!(told["kind"], "reload-failed", "{told}");
    };
    tell();
    std::fs::remove_file(&authorities).unwrap();
    tell();

    // What cannot be read is found where the config is read.
    let from = server.log.text().len();
    let (code, said) = reload(&good);
    assert_eq!(code, 0, "{said}");
    let found = "the certificate authorities of this machine cannot be read";
    server.log.wait_from(0, &[found]);
    assert!(server.log.text()[from..].contains(found) && !server.log.text()[..from].contains(found));
    let check = Program::new(&["check"]).argument(&config).argument(&zone).variable("SSL_CERT_FILE", &authorities);
    let (code, said) = check.end();
    assert!(code == 0 && said.contains(found) && said.contains("ca-certificates"), "{said}");

    // A reload reads anew.
    folder.write("authorities.pem", certificate.pem());
    assert_eq!(reload(&good).0, 0);
    tell();
}

//! The real binary behind a real resolver: what unbound and delv validate.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use understudy::zone::Rtype;

use crate::client::{Client, query};
use crate::foreign::{Scratch, free_address};
use crate::sign::{Kind, WAYS, sign};

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn zone(origin: &str) -> String {
    format!(
        "{origin} 60 IN SOA ns.{origin} h.{origin} 1 3600 600 86400 60\n{origin} 60 IN NS ns.{origin}\n\
         ns.{origin} 60 IN A 127.0.0.1\nwww.{origin} 60 IN A 192.0.2.1\nalias.{origin} 60 IN CNAME www.{origin}\n\
         _sip._tcp.{origin} 60 IN SRV 10 1 5060 www.{origin}\na.ent.{origin} 60 IN A 192.0.2.2\n\
         *.wild.{origin} 60 IN A 192.0.2.3\nold.{origin} 60 IN DNAME wild.{origin}\ny.*.empty.{origin} 60 IN A 192.0.2.4\n\
         sub.{origin} 60 IN NS ns.sub.{origin}\nns.sub.{origin} 60 IN A 192.0.2.5\n"
    )
}

/// What to ask, and the response code. The last one is for delv alone, as a resolver would go on to the cut's servers;
/// where opt-out is it cannot be proven.
const QUESTIONS: &[(&str, Rtype, u8)] = &[
    ("www.", Rtype::A, 0),
    ("_sip._tcp.", Rtype::SRV, 0),
    ("", Rtype::SOA, 0),
    ("www.", Rtype::MX, 0),
    ("ent.", Rtype::A, 0),
    ("nobody.", Rtype::A, 3),
    ("x.nobody.", Rtype::A, 3),
    ("x.www.", Rtype::A, 3),
    ("alias.", Rtype::A, 0),
    ("alias.", Rtype::MX, 0),
    ("x.wild.", Rtype::A, 0),
    ("y.x.wild.", Rtype::A, 0),
    ("x.wild.", Rtype::MX, 0),
    ("x.old.", Rtype::A, 0),
    ("x.empty.", Rtype::A, 0),
    ("sub.", Rtype::DS, 0),
];

#[test]
fn unbound_and_delv_validate_what_three_signers_signed() {
    let scratch = Scratch::new("validate");
    let origins: Vec<String> = (0..WAYS.len()).map(|number| format!("v{number}.test.")).collect();
    let texts: Vec<_> = origins.iter().map(|origin| (origin.clone(), zone(origin))).collect();
    let signed: Vec<_> = scratch.write(&texts).iter().zip(WAYS).map(|((o, file), way)| sign(o, file, way)).collect();
    let (address, _ours) = serve(&signed);
    let questions = origins.iter().zip(WAYS).flat_map(|(origin, (_, kind))| {
        let questions = QUESTIONS.iter().filter(|(_, rtype, _)| *rtype != Rtype::DS);
        questions.map(move |(prefix, rtype, rcode)| (format!("{prefix}{origin}"), *rtype, *rcode, kind))
    });
    let questions: Vec<_> = questions.collect();

    let keys = keys(address, &origins);
    let (resolver, _unbound) = unbound(scratch.path(), address, &keys);
    let mut wrong = Vec::new();
    for (name, rtype, rcode, kind) in &questions {
        let mut packet = query(name, *rtype, true);
        packet[2] |= 1;
        let answer = Client::new(resolver).ask(&[packet]).unwrap().remove(0);
        let validated = answer[3] & 0x20 != 0;
        // RFC 5155 §9.2: what opt-out covers is not authenticated; what is bogus would be SERVFAIL.
        if answer[3] & 0x0f != *rcode || !validated && *kind != Kind::OptOut {
            wrong.push(format!("{name} {rtype} ({kind:?}): rcode {}, validated {validated}", answer[3] & 0x0f));
        }
    }
    assert!(wrong.is_empty(), "unbound:\n{}", wrong.join("\n"));

    for ((origin, key), (_, kind)) in origins.iter().zip(&keys).zip(WAYS) {
        for (prefix, rtype, _) in QUESTIONS.iter().filter(|(_, t, _)| *t != Rtype::DS || kind != Kind::OptOut) {
            let said = delv(scratch.path(), address, origin, key, &format!("{prefix}{origin}"), *rtype);
            let insecure = said.contains("unsigned") && kind == Kind::OptOut;
            if !said.contains("fully validated") && !insecure {
                wrong.push(format!("{prefix}{origin} {rtype}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "delv:\n{}", wrong.join("\n"));
}

/// Serves files with the binary, as declared.
fn serve(files: &[std::path::PathBuf]) -> (SocketAddr, Running) {
    let address = free_address();
    let child = Command::new(env!("CARGO_BIN_EXE_understudy"))
        .args(["serve", "--static", "--state", "none", "--listen", &address.to_string()])
        .args(files)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    await_answer(address, "v0.test.");
    (address, running)
}

fn await_answer(address: SocketAddr, name: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    while Client::new(address).ask(&[query(name, Rtype::SOA, false)]).is_err() {
        assert!(Instant::now() < end, "{address} does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the DNSKEY record of each zone as text: flags, protocol, algorithm, key.
fn keys(address: SocketAddr, origins: &[String]) -> Vec<String> {
    let queries: Vec<_> = origins.iter().map(|origin| query(origin, Rtype::DNSKEY, false)).collect();
    let answers = Client::new(address).ask(&queries).unwrap();
    let key = |answer: Vec<u8>| {
        let said = crate::message::Said::read(&answer).unwrap();
        let key = said.answer.into_iter().find(|record| record.rtype == Rtype::DNSKEY).expect("a key");
        understudy::zone::write::rdata_text(Rtype::DNSKEY, &key.rdata)
    };
    answers.into_iter().map(key).collect()
}

/// Starts a validating resolver that asks nobody but this server: everything else lies behind 127.0.0.1 too.
fn unbound(folder: &Path, address: SocketAddr, keys: &[String]) -> (SocketAddr, Running) {
    let resolver = free_address();
    let mut config = format!(
        "server:\n interface: 127.0.0.1@{}\n outgoing-interface: 127.0.0.1\n do-ip6: no\n do-daemonize: no\n chroot: \"\"\n \
         username: \"\"\n directory: \"{}\"\n pidfile: \"\"\n use-syslog: no\n logfile: \"unbound.log\"\n val-log-level: 2\n \
         module-config: \"validator iterator\"\n do-not-query-localhost: no\n trust-anchor-signaling: no\n \
         local-zone: \"test.\" nodefault\n",
        resolver.port(),
        folder.display(),
    );
    for (number, key) in keys.iter().enumerate() {
        config += &format!(" trust-anchor: \"v{number}.test. 60 IN DNSKEY {key}\"\n");
    }
    config += &format!(
        "remote-control:\n control-enable: no\nstub-zone:\n name: \".\"\n stub-addr: 127.0.0.1@{0}\n\
         stub-zone:\n name: \"test.\"\n stub-addr: 127.0.0.1@{0}\n",
        address.port()
    );
    let file = folder.join("unbound.conf");
    std::fs::write(&file, config).unwrap();
    let child = Command::new("unbound")
        .args(["-d", "-c", &file.display().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join("unbound.err")).unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("unbound is needed: {error}"));
    let running = Running(child);
    await_answer(resolver, "v0.test.");
    (resolver, running)
}

fn delv(folder: &Path, address: SocketAddr, origin: &str, key: &str, name: &str, rtype: Rtype) -> String {
    let fields: Vec<&str> = key.split_whitespace().collect();
    let (numbers, octets) = fields.split_at(3);
    let anchor =
        format!("trust-anchors {{ \"{origin}\" static-key {} \"{}\"; }};\n", numbers.join(" "), octets.concat());
    let file = folder.join("anchor");
    std::fs::write(&file, anchor).unwrap();
    let output = Command::new("delv")
        .args(["@127.0.0.1", "-p", &address.port().to_string(), "-a", &file.display().to_string()])
        .args([&format!("+root={origin}"), name, &rtype.to_string()])
        .output()
        .unwrap_or_else(|error| panic!("delv is needed: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

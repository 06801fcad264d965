//! Our listeners asked by the clients and the resolver that others wrote: dig, delv, kdig, curl, unbound.
//!
//! Packages: `bind9`, `bind9-dnsutils`, `knot-dnsutils`, `curl`, `iproute2`, `unbound`, `util-linux`. Without one of
//! them its test fails and names it.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

#[path = "../process/client.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod client;
#[path = "../interop_isolation/lab.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod lab;
mod namespace;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod server;
mod tools;
mod unbound;
mod wildcard;

use std::net::SocketAddr;

use server::{Folder, Server};
use tools::run;

/// A zone of a SIP service; nothing of it is probed.
const ZONE: &str = include_str!("../support/sip.zone");

/// What dig, delv and kdig tell of the service with `+short`.
const SERVICE: [&str; 3] =
    ["10 30 5060 node2.example.com.", "10 70 5060 node1.example.com.", "20 0 5060 standby.example.com."];
const SIP: &str = "_sip._tcp.example.com";

/// The program with all listeners open, a certificate of its own, and every query in its log.
struct Listeners {
    server: Server,
    folder: Folder,
}

impl Listeners {
    fn open() -> Self {
        Self::open_by("native")
    }

    fn open_by(frame: &str) -> Self {
        let folder = Folder::new();
        let made = rcgen::generate_simple_self_signed(["ns1.example.com".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        folder.write("cert.pem", made.cert.pem());
        folder.write("key.pem", made.signing_key.serialize_pem());
        folder.write("cookies", "# one secret\n000102030405060708090a0b0c0d0e0f\n");
        folder.write("example.com.zone", ZONE);
        let config = folder.write(
            "understudy.toml",
            format!(
                "version = 1\n[server]\nframe = \"{frame}\"\ntls-listen = [\"127.0.0.1:0\"]\n\
                 https-listen = [\"127.0.0.1:0\"]\nquic-listen = [\"127.0.0.1:0\"]\ncertificate = \"cert.pem\"\n\
                 key = \"key.pem\"\nnsid = \"ns1\"\ncookie-secrets = \"cookies\"\nquery-log = 1\n[[zone]]\n\
                 file = \"example.com.zone\"\n"
            ),
        );
        let server = Server::program(&[&config], "none".as_ref()).argument("--static").start();
        server.answering();
        Self { server, folder }
    }

    fn plain(&self) -> SocketAddr {
        self.server.address()
    }

    fn encrypted(&self, transport: &str) -> SocketAddr {
        let (_, line) = self.server.log.wait_from(0, &[&format!("listening on {transport}\"")]);
        line["listen"].as_str().unwrap().parse().unwrap()
    }

    /// Asks with `tool @ADDRESS -p PORT WORDS`.
    fn ask(tool: &str, listener: SocketAddr, words: &str) -> String {
        let (at, port) = (format!("@{}", listener.ip()), listener.port().to_string());
        let words = words.split_whitespace();
        run(tool, &[at.as_str(), "-p", &port].into_iter().chain(words).collect::<Vec<_>>())
    }
}

/// Whose listeners answer: what is meant to be equal is asked of both.
const FRAMES: [&str; 2] = ["native", "hickory"];

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn dig_is_answered_over_udp_and_tcp_with_cookie_and_nsid() {
    FRAMES.into_iter().for_each(dig_is_answered_by);
    let listeners = Listeners::open();
    let unknown = Listeners::ask("dig", listeners.plain(), &format!("-y hmac-sha256:unknown:c2VjcmV0 {SIP} SRV"));
    assert!(unknown.contains("status: NOTAUTH") && unknown.contains(" BADKEY "), "{unknown}");
}

fn dig_is_answered_by(frame: &str) {
    let listeners = Listeners::open_by(frame);
    for words in ["", "+tcp", "+notcp +bufsize=512 +ignore", "+dnssec", "+cookie", "+noedns", "+keepalive +tcp"] {
        let answer = Listeners::ask("dig", listeners.plain(), &format!("+short {words} {SIP} SRV"));
        assert_eq!(sorted(&answer), SERVICE, "{frame} {words}");
    }
    let whole = Listeners::ask("dig", listeners.plain(), &format!("+cookie +nsid {SIP} SRV"));
    assert!(whole.contains("(good)") && whole.contains("(\"ns1\")"), "{whole}");
    assert!(!whole.contains("malformed") && whole.contains("status: NOERROR"), "{whole}");
    // The cookie that it was told is taken, and told again.
    let cookie = whole.lines().find_map(|line| line.strip_prefix("; COOKIE: ")?.split(' ').next()).unwrap();
    let again = Listeners::ask("dig", listeners.plain(), &format!("+cookie={cookie} {SIP} SRV"));
    assert!(again.contains(&format!("; COOKIE: {cookie} (good)")), "{again}");
    let higher = Listeners::ask("dig", listeners.plain(), &format!("+edns=1 +noednsnegotiation {SIP} SRV"));
    assert!(higher.contains("status: BADVERS") && higher.contains("EDNS: version: 0"), "{higher}");
    let notify = Listeners::ask("dig", listeners.plain(), "+opcode=notify example.com SOA");
    assert!(notify.contains("status: NOTIMP") && notify.contains("EDNS: version: 0"), "{notify}");
    let missing = Listeners::ask("dig", listeners.plain(), "absent.example.com A");
    assert!(missing.contains("status: NXDOMAIN"), "{missing}");
    let kept =
        Listeners::ask("dig", listeners.plain(), "+tcp +keepopen +keepalive node1.example.com A node2.example.com A");
    assert!(kept.contains("TCP-KEEPALIVE: 10.0 secs") || kept.contains("TCP KEEPALIVE: 10.0 secs"), "{kept}");
    assert_eq!(kept.matches("status: NOERROR").count(), 2, "{kept}");
}

#[test]
fn delv_is_answered() {
    FRAMES.into_iter().for_each(delv_is_answered_by);
}

fn delv_is_answered_by(frame: &str) {
    let listeners = Listeners::open_by(frame);
    let answer = Listeners::ask("delv", listeners.plain(), &format!("-i +short {SIP} SRV"));
    assert_eq!(sorted(&answer), SERVICE);
}

#[test]
fn kdig_is_answered_over_tls_https_and_quic_and_padded() {
    let listeners = Listeners::open();
    for (transport, words) in [("TLS", "+tls"), ("HTTPS", "+https"), ("HTTPS", "+https-get"), ("QUIC", "+quic")] {
        let listener = listeners.encrypted(transport);
        let answer = Listeners::ask("kdig", listener, &format!("{words} +short {SIP} SRV"));
        assert_eq!(sorted(&answer), SERVICE, "{words}");
        let whole = Listeners::ask("kdig", listener, &format!("{words} +padding=128 +dnssec {SIP} SRV"));
        assert!(whole.contains("PADDING") && whole.contains("Received 468 B"), "{whole}");
        assert!(!whole.contains("WARNING"), "{whole}");
    }
}

/// By hickory-server too, but for GET, and without padding.
#[test]
fn kdig_is_answered_by_the_other_frame() {
    let listeners = Listeners::open_by("hickory");
    for (transport, words) in [("TLS", "+tls"), ("HTTPS", "+https"), ("QUIC", "+quic")] {
        let listener = listeners.encrypted(transport);
        let answer = Listeners::ask("kdig", listener, &format!("{words} +short {SIP} SRV"));
        assert_eq!(sorted(&answer), SERVICE, "{words}");
    }
}

/// RFC 8484 by another's HTTP: both versions, and what is no query.
#[test]
fn curl_is_answered_by_http_1_and_2() {
    let listeners = Listeners::open();
    let listener = listeners.encrypted("HTTPS");
    let query = data_encoding::BASE64URL_NOPAD.encode(&client::query(client::SIP));
    for (version, said) in [("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")] {
        let url = format!("https://{listener}/dns-query?dns={query}");
        let certificate = listeners.folder.path("cert.pem");
        let arguments = ["-sS", version, "--cacert", certificate.to_str().unwrap(), "-D", "-", "-o", "/dev/null", &url];
        let headers = run("curl", &arguments).to_ascii_lowercase();
        assert!(headers.starts_with(&said.to_ascii_lowercase()), "{headers}");
        assert!(headers.contains("content-type: application/dns-message"), "{headers}");
        // `--static` serves TTLs as declared.
        assert!(headers.contains("cache-control: max-age="), "{headers}");
        let status = ["-sSk", version, "-o", "/dev/null", "-w", "%{http_code}", &format!("https://{listener}/other")];
        assert_eq!(run("curl", &status), "404");
    }
}

#[test]
fn a_reload_shows_another_certificate_and_a_broken_one_changes_nothing() {
    FRAMES.into_iter().for_each(reload_shows_another_certificate_by);
}

fn reload_shows_another_certificate_by(frame: &str) {
    let listeners = Listeners::open_by(frame);
    let listener = listeners.encrypted("TLS");
    let trusts = |file: &str| {
        let file = listeners.folder.path(file);
        let words = format!("+tls-ca={} +tls-hostname=ns1.example.com +short {SIP} SRV", file.display());
        sorted(&Listeners::ask("kdig", listener, &words)) == SERVICE
    };
    assert!(trusts("cert.pem"));
    std::fs::copy(listeners.folder.path("cert.pem"), listeners.folder.path("old.pem")).unwrap();

    listeners.folder.write("cert.pem", "nothing");
    listeners.server.reload("reload refused");
    assert!(trusts("old.pem"));

    let made = rcgen::generate_simple_self_signed(["ns1.example.com".to_owned()]).unwrap();
    listeners.folder.write("cert.pem", made.cert.pem());
    listeners.folder.write("key.pem", made.signing_key.serialize_pem());
    listeners.server.reload("reloaded");
    assert!(trusts("cert.pem") && !trusts("old.pem"));
}

#[test]
fn a_reload_takes_limits_and_the_query_log_over() {
    FRAMES.into_iter().for_each(reload_takes_limits_over_by);
}

fn reload_takes_limits_over_by(frame: &str) {
    let listeners = Listeners::open_by(frame);
    let config = std::fs::read_to_string(listeners.folder.path("understudy.toml")).unwrap();
    let logged = || listeners.server.log.text().matches("\"query.name\":").count();
    Listeners::ask("dig", listeners.plain(), SIP);
    server::eventually("the query in the log", || (logged() == 1).then_some(()));
    let config = config.replace("query-log = 1\n", "") + "[limits]\nallow-udp = [\"192.0.2.0/24\"]\n";
    listeners.folder.write("understudy.toml", config);
    listeners.server.reload("reloaded");
    let refused = Listeners::ask("dig", listeners.plain(), SIP);
    assert!(refused.contains("status: REFUSED") && refused.contains("EDE: 18 (Prohibited)"), "{refused}");
    assert_eq!(sorted(&Listeners::ask("dig", listeners.plain(), &format!("+tcp +short {SIP} SRV"))), SERVICE);
    assert_eq!(logged(), 1, "no query is told any more");
}

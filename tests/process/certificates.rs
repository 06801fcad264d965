//! Certificates that end soon: of a target, and of our own encrypted listener; the log, the metrics and the live table.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::client::metric;
use crate::server::{Folder, Network, Server, eventually};
use crate::terminal::{Kind, Terminal};

const HOUR: u64 = 3_600;

/// A certificate for `node.example.com` that ends after so many hours, and half of one, and its key.
struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Identity {
    fn new(hours: u64) -> Self {
        let mut params = CertificateParams::new(vec!["node.example.com".to_owned(), "example.com".to_owned()]).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        params.not_after = date_time_ymd(1970, 1, 1) + now + Duration::from_secs(hours * HOUR + HOUR / 2);
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    /// Writes both where the config of the listener names them.
    fn write(&self, folder: &Folder) {
        folder.write("key.pem", self.key.serialize_pem());
        folder.write("certificate.pem", self.certificate.pem());
    }

    /// Shows it to everybody who comes, until the test ends.
    fn serve(&self, address: Ipv4Addr) {
        let listener = TcpListener::bind((address, PORT)).unwrap();
        let chain: Vec<CertificateDer<'static>> = vec![self.certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(self.key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                // Until the client has enough of it.
                std::thread::spawn(move || drop(StreamOwned::new(connection, client).read(&mut [0; 64])));
            }
        });
    }
}

const PORT: u16 = 5671;
/// What log and metrics call the certificate of the encrypted listeners.
const OWN: &str = "our own listeners";

/// Writes zone and config of a service over TLS, and of an encrypted listener.
fn files(folder: &Folder, target: Ipv4Addr) -> [std::path::PathBuf; 2] {
    let (metrics, tls) = (Network::new().take(), Network::new().take());
    let config = format!(
        "version = 1\n[server]\nmetrics-listen = \"{metrics}:0\"\ntls-listen = [\"{tls}:0\"]\ncertificate = \"certificate.pem\"\n\
         key = \"key.pem\"\n"
    );
    let zone = format!(
        "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n\
         _amqps._tcp IN SRV 10 0 {PORT} node\nnode IN A {target}\n"
    );
    [folder.write("understudy.toml", config), folder.write("example.com.zone", zone)]
}

#[test]
fn an_end_that_is_near_is_a_warning_for_targets_and_for_our_own_listener() {
    let (folder, target) = (Folder::new(), Network::new().take());
    Identity::new(23).serve(target);
    Identity::new(6 * 24).write(&folder);
    let [config, zone] = files(&folder, target);
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    server.answering();

    let whose = format!("tls {target}:{PORT} name=node.example.com or=example.com");
    for (whose, told) in [(whose.as_str(), "certificate expires in 23 h: "), (OWN, "certificate expires in 6 days: ")] {
        let (_, line) = server.log.wait_from(0, &[told, whose]);
        assert_eq!((line["level"].as_str(), line["certificate"].as_str()), (Some("WARN"), Some(whose)), "{line}");
        assert!(line["not_after"].is_string(), "{line}");
    }
    let metrics = server.metrics();
    let hours_left = |whose: &str| {
        let end = metric(metrics, &format!("understudy_certificate_expiry_timestamp_seconds{{of=\"{whose}\"}}"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        (end - now.as_secs_f64()) / f64::from(u32::try_from(HOUR).unwrap())
    };
    assert!((22.0..24.0).contains(&hours_left(&whose)) && (143.0..145.0).contains(&hours_left(OWN)));

    // A new one that ends today is told again; one for two months is not.
    Identity::new(60 * 24).write(&folder);
    server.reload("\"reloaded\"");
    eventually("the new certificate", || (hours_left(OWN) > 1_000.0).then_some(()));
    let from = server.log.len();
    Identity::new(3).write(&folder);
    server.reload("\"reloaded\"");
    let (_, line) = server.log.wait_from(from, &["certificate expires in 3 h: ", OWN]);
    assert_eq!(line["level"], "WARN", "{line}");
    let told = server.log.text().lines().filter(|line| line.contains("certificate expires in ")).count();
    assert_eq!(told, 3, "{}", server.log.text());
}

#[test]
fn the_live_table_says_how_soon_a_certificate_ends() {
    let (folder, target) = (Folder::new(), Network::new().take());
    Identity::new(23).serve(target);
    Identity::new(6 * 24).write(&folder);
    let [config, zone] = files(&folder, target);
    let kind = Kind { term: "xterm", rows: 24, columns: 80, with_log: true };
    let listen = format!("{}:0", Network::new().take());
    let terminal = Terminal::serve(&folder, kind, &listen, &[&config, &zone]);
    eventually("the table", || {
        let table = terminal.table();
        let told = ["certificate expires in 23 h: tls ", "certificate expires in 6 days: our own listeners"];
        told.iter().all(|told| table.contains(told)).then_some(())
    });
    terminal.press_q();
}

//! coturn, with a certificate of a private CA.

use std::net::Ipv4Addr;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::foreign::{Foreign, text};
use crate::server::{Folder, Network};
use crate::{Told, probe};

/// The domain whose certificate it shows, and its realm.
pub(crate) const DOMAIN: &str = "relay.example";
/// Where it answers UDP and TCP.
pub(crate) const PORT: u16 = 22_478;
/// Where it answers TLS.
pub(crate) const TLS: u16 = 22_349;

/// A running coturn.
pub(crate) struct Coturn {
    pub(crate) address: Ipv4Addr,
    /// The CA of its certificate.
    authority: String,
    pub(crate) folder: Folder,
    foreign: Foreign,
}

impl Coturn {
    /// Starts a good one, that knows the user `probe` with the password `sesame`.
    pub(crate) fn start() -> Self {
        Self::with("lt-cred-mech\nuser=probe:sesame\n", (DOMAIN, 2100))
    }

    /// Starts one with these lines in its config, and a certificate for this name until this year.
    pub(crate) fn with(lines: &str, (name, end): (&str, i32)) -> Self {
        let (folder, address) = (Folder::new(), Network::new().take());
        certify(&folder, name, end);
        folder.write("right", "sesame\n");
        folder.write("wrong", "swordfish\n");
        let path = |name: &str| text(&folder.path(name));
        let config = format!(
            "listening-ip={address}\nrelay-ip={address}\nlistening-port={PORT}\ntls-listening-port={TLS}\n\
             min-port=22500\nmax-port=22599\nrealm={DOMAIN}\nno-cli\nno-rfc5780\nverbose\nsimple-log\nlog-file=stdout\n\
             cert={}\npkey={}\nuserdb={}\npidfile={}\n{lines}",
            path("relay.pem"),
            path("relay.key"),
            path("turndb"),
            path("pid")
        );
        let config = text(&folder.write("turnserver.conf", config));
        let foreign = Foreign::start("coturn", "turnserver", &["-c", &config], &folder);
        let mut coturn = Self { address, authority: path("ca.pem"), folder, foreign };
        // Its sockets open one after the other; before, they refuse.
        let urls = [coturn.url("turn+udp"), coturn.url("turn+tcp"), coturn.url("tls")];
        coturn.foreign.await_ready(|| {
            urls.iter().all(|url| {
                let told = probe(&[url, "--timeout", "0.5", "--verify", "off"]);
                told.outcome() == "pass"
            })
        });
        coturn
    }

    /// Its URL for a scheme such as `turn+udp` or `stuns`.
    pub(crate) fn url(&self, scheme: &str) -> String {
        let port = if scheme.starts_with("stuns") || scheme.starts_with("turns") || scheme.contains("tls") {
            TLS
        } else {
            PORT
        };
        format!("{scheme}://{}:{port}/{DOMAIN}", self.address)
    }

    /// Probes it by its CA, for half a second at most, with these words more.
    #[track_caller]
    pub(crate) fn probe(&self, scheme: &str, more: &[&str]) -> Told {
        let url = self.url(scheme);
        let words = [url.as_str(), "--timeout", "0.5", "--verify", "require", "--ca-file", &self.authority];
        probe(&[&words, more].concat())
    }

    /// Probes it as the user `probe`, with the password of a file of its folder.
    #[track_caller]
    pub(crate) fn log_in(&self, scheme: &str, file: &str) -> Told {
        self.probe(scheme, &["--user", "probe", "--password-file", &text(&self.folder.path(file))])
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path("turnserver.log")).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.foreign.signal(name);
    }

    /// Ends it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.foreign.kill();
    }
}

/// Writes a CA, and a certificate with its key.
fn certify(folder: &Folder, name: &str, end: i32) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    folder.write("ca.pem", params.self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(end, 1, 1));
    let key = KeyPair::generate().unwrap();
    folder.write("relay.pem", params.signed_by(&key, &issuer).unwrap().pem());
    folder.write("relay.key", key.serialize_pem());
}

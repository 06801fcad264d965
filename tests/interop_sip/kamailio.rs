//! Kamailio, with one worker for UDP, one for TCP, and certificates of a private CA.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::foreign::{Foreign, signal, text};
use crate::server::{Folder, Network};
use crate::{Told, probe};

/// The domain that it serves; it answers 404 for any other.
pub(crate) const DOMAIN: &str = "voice.example";
/// Where it answers UDP and TCP.
pub(crate) const PORT: u16 = 20_060;
/// Where it answers TLS with a good certificate.
pub(crate) const GOOD: u16 = 20_061;
/// Where it answers TLS with a certificate that has expired.
pub(crate) const EXPIRED: u16 = 20_062;
/// Where it answers TLS with a certificate for another name.
pub(crate) const OTHER: u16 = 20_063;

/// A running Kamailio.
pub(crate) struct Kamailio {
    pub(crate) address: Ipv4Addr,
    /// The CA of its certificates.
    pub(crate) authority: String,
    foreign: Foreign,
    control: PathBuf,
    _folder: Folder,
}

impl Kamailio {
    /// Starts it on an address of its own, and waits until it answers.
    pub(crate) fn start() -> Self {
        let (folder, address) = (Folder::new(), Network::new().take());
        certify(&folder, address);
        let control = folder.path("control");
        let config = folder.write("kamailio.cfg", config(&folder, address, &control));
        let [config, home] = [text(&config), text(&folder.path(""))];
        let arguments = ["-f", &config, "-DD", "-E", "-w", &home, "-Y", &home, "-m", "64", "-M", "8"];
        let foreign = Foreign::start("kamailio", "kamailio", &arguments, &folder);
        let mut kamailio = Self { address, authority: text(&folder.path("ca.pem")), foreign, control, _folder: folder };
        let (authority, urls) = (kamailio.authority.clone(), [kamailio.udp(), kamailio.tcp(), kamailio.tls(GOOD)]);
        kamailio.foreign.await_ready(|| urls.iter().all(|url| probe_by(&authority, url).outcome() == "pass"));
        kamailio
    }

    /// Its URL over UDP.
    pub(crate) fn udp(&self) -> String {
        format!("sip://{}:{PORT}/{DOMAIN}", self.address)
    }

    /// Its URL over TCP.
    pub(crate) fn tcp(&self) -> String {
        format!("sip+tcp://{}:{PORT}/{DOMAIN}", self.address)
    }

    /// Its URL over TLS, at one of its ports.
    pub(crate) fn tls(&self, port: u16) -> String {
        format!("sips://{}:{port}/{DOMAIN}", self.address)
    }

    /// Probes it by its CA, for half a second at most.
    #[track_caller]
    pub(crate) fn probe(&self, url: &str) -> Told {
        probe_by(&self.authority, url)
    }

    /// Sends a signal to all of its processes.
    pub(crate) fn signal(&self, name: &str) {
        self.foreign.signal(name);
    }

    /// Ends it, as a crash would.
    ///
    /// Its workers outlive the first process for a moment: the last of them gives the port free.
    pub(crate) fn kill(&mut self) {
        self.foreign.kill();
        let end = Instant::now() + Duration::from_secs(10);
        while let Err(error) = UdpSocket::bind((self.address, PORT)) {
            assert!(Instant::now() < end, "a worker still has the port: {error}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal to the process that answers UDP, and to no other.
    #[track_caller]
    pub(crate) fn signal_udp_worker(&self, name: &str) {
        let socket = format!("unix:{}", text(&self.control));
        let output = Command::new("kamcmd").args(["-s", &socket, "core.ps"]).output();
        let output = output.unwrap_or_else(|error| panic!("kamcmd of Debian's package kamailio: {error}"));
        let processes = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = processes.split_whitespace().collect();
        let worker = words.windows(3).find(|words| words[1..] == ["udp", "receiver"]);
        signal(name, worker.unwrap_or_else(|| panic!("no worker for UDP in {processes}"))[0]);
    }
}

#[track_caller]
fn probe_by(authority: &str, url: &str) -> Told {
    probe(&[url, "--timeout", "0.5", "--verify", "require", "--ca-file", authority])
}

/// Answers OPTIONS for the domain itself as the stock configuration does, and 404 for all else.
fn config(folder: &Folder, address: Ipv4Addr, control: &std::path::Path) -> String {
    let [tls, control] = [text(&folder.path("tls.cfg")), text(control)];
    format!(
        r#"#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
alias="{DOMAIN}"
listen=udp:{address}:{PORT}
listen=tcp:{address}:{PORT}
listen=tls:{address}:{GOOD}
listen=tls:{address}:{EXPIRED}
listen=tls:{address}:{OTHER}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "tls.so"
loadmodule "ctl.so"
modparam("tls", "config", "{tls}")
modparam("ctl", "binrpc", "unix:{control}")
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS") && uri==myself && $rU==$null) {{ sl_send_reply("200", "Keepalive"); exit; }}
    sl_send_reply("404", "Not Here");
}}
"#
    )
}

/// Writes a CA, the certificates and what Kamailio reads of them.
fn certify(folder: &Folder, address: Ipv4Addr) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    folder.write("ca.pem", params.self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(params, key);
    let mut config = String::new();
    for (port, name, end) in [(GOOD, DOMAIN, 2100), (EXPIRED, DOMAIN, 2020), (OTHER, "node1.voice.example", 2100)] {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(end, 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = folder.write(&format!("{port}.pem"), params.signed_by(&key, &issuer).unwrap().pem());
        let key = folder.write(&format!("{port}.key"), key.serialize_pem());
        let [certificate, key] = [text(&certificate), text(&key)];
        let parameters = format!(
            "method = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\nprivate_key = {key}\n\
             certificate = {certificate}\n"
        );
        config += &format!("[server:{address}:{port}]\n{parameters}");
        if port == GOOD {
            // It does not start without.
            config += &format!("[server:default]\n{parameters}");
        }
    }
    folder.write("tls.cfg", config + "[client:default]\nverify_certificate = no\nrequire_certificate = no\n");
}

//! The real program with the API on loopback, the certificates of both sides, and curl as its client.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// What `admin-token-file` holds.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const ZONE: &str = "\
$ORIGIN example.com.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 30
@ IN NS ns1
ns1 IN A 127.0.0.1
_sip._tcp IN SRV 10 70 5060 sip-node1
_sip._tcp IN SRV 20 0 5060 sip-dr
sip-node1 IN A 127.0.0.11
sip-dr IN A 127.0.0.21
";

/// The program, ended with the test.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    address: String,
}

impl Server {
    /// Serves the zone as declared; the API takes clients over TLS as `keys` say.
    pub(crate) fn start(name: &str, keys: &str) -> Self {
        let config = format!(
            "version = 1\n[server]\nlisten = [\"127.0.0.1:0\"]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\
             admin-listen = \"0.0.0.0:0\"\n{keys}[[zone]]\nfile = \"example.com.zone\"\n"
        );
        Self::run(name, &config, ZONE, "https")
    }

    /// Serves a zone by a config that has the API in the clear or over TLS.
    pub(crate) fn run(name: &str, config: &str, zone: &str, scheme: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("admin-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        certificates(&write);
        write("token", TOKEN);
        write("example.com.zone", zone);
        write("understudy.toml", config);
        let mut child = Command::new(env!("CARGO_BIN_EXE_understudy"))
            .args(["serve", "--log-format", "json", "--state", "state", "understudy.toml"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("taking orders over the network")).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let port = line["listen"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
        // What it says later is read, so that it never waits.
        std::thread::spawn(move || lines.for_each(drop));
        let server = Self { child, folder, address: format!("{scheme}://127.0.0.1:{port}") };
        server.wait();
        server
    }

    /// Returns where its files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns where the API is.
    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    /// Asks for a path; returns the status (0 if there is no answer) and the body.
    pub(crate) fn curl(&self, words: &[&str], path: &str) -> (u16, String) {
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "30", "--noproxy", "*", "--cacert", "ca.pem", "-w", "\n%{http_code}"])
            .args(words)
            .arg(format!("{}{path}", self.address))
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (body, status) = said.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    /// Waits until it answers queries, so that the status has its services.
    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        let socket = self.folder.join("state/admin.sock");
        loop {
            let asked = Command::new("curl")
                .args(["--silent", "--unix-socket"])
                .arg(&socket)
                .args(["http://x/readyz"])
                .output()
                .unwrap();
            if asked.stdout.starts_with(b"ready") {
                return;
            }
            assert!(Instant::now() < end, "not ready: {}", String::from_utf8_lossy(&asked.stdout));
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Writes an authority, the server's certificate and a client's of it, and one that another authority has issued.
fn certificates(write: &impl Fn(&str, &str)) {
    let authority = authority();
    write("ca.pem", &authority.0);
    for (name, issuer) in [("server", &authority), ("client", &authority), ("other", &self::authority())] {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        write(&format!("{name}.pem"), &params.signed_by(&key, &issuer.1).unwrap().pem());
        write(&format!("{name}.key"), &key.serialize_pem());
    }
}

/// Makes an authority: its certificate as PEM, and what signs with it.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

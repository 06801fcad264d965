//! A scratch folder with certificates, foreign servers in it, and the program's word on them.

use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::Value;

use crate::server::eventually;

/// The domain that the servers serve.
pub(crate) const DOMAIN: &str = "example.test";
/// The port for clients.
pub(crate) const C2S: u16 = 21222;
/// The port for clients by direct TLS.
pub(crate) const C2S_DIRECT: u16 = 21223;
/// The port for servers.
pub(crate) const S2S: u16 = 21269;
/// The port for servers by direct TLS.
pub(crate) const S2S_DIRECT: u16 = 21270;

/// Which certificate a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// One for the domain.
    Good,
    /// One that is over.
    Expired,
    /// One for the host alone.
    OtherName,
}

/// A folder with a CA, gone when the test ends.
pub(crate) struct Folder {
    path: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("understudy-xmpp-{}-{name}", std::process::id()));
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Lab CA");
        let key = KeyPair::generate().unwrap();
        std::fs::create_dir_all(&path).unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        let folder = Self { path, issuer: Issuer::new(params, key) };
        folder.write("ca.pem", &root);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes `certificate.pem` and `key.pem`, and both as `both.pem`.
    pub(crate) fn write_certificate(&self, shows: Shows) {
        let name = if shows == Shows::OtherName { "node1.example.net" } else { DOMAIN };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let years = if shows == Shows::Expired { (2019, 2020) } else { (2020, 2100) };
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        let key = KeyPair::generate().unwrap();
        let (certificate, key) = (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem());
        self.write("certificate.pem", &certificate);
        self.write("key.pem", &key);
        self.write("both.pem", &(key + &certificate));
    }

    /// Gives all of it to nobody, if the tests run as root: the servers do not.
    fn hand_over(&self) {
        if is_root() {
            give(&self.path);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// A foreign server, ended with this value.
pub(crate) struct Foreign(Child);

impl Foreign {
    /// Starts a program in a folder, as nobody if the tests run as root.
    pub(crate) fn start(program: &str, arguments: &[&str], variables: &[(&str, &str)], folder: &Folder) -> Self {
        let found = std::env::var("PATH").unwrap_or_default();
        let found = found.split(':').any(|place| Path::new(place).join(program).exists());
        assert!(found, "{program} is not installed: `apt install prosody ejabberd`");
        folder.hand_over();
        let mut command = Command::new(if is_root() { "setpriv" } else { program });
        if is_root() {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        }
        command.args(arguments).envs(variables.iter().copied()).env("HOME", &folder.path).current_dir(&folder.path);
        let log = std::fs::File::create(folder.path("output.log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")))
    }

    /// Waits until all four ports are open.
    pub(crate) fn opened(mut self, ip: &str, folder: &Folder) -> Self {
        for port in [C2S, C2S_DIRECT, S2S, S2S_DIRECT] {
            eventually(&format!("port {port} of {ip} opens"), || {
                if let Some(status) = self.0.try_wait().unwrap() {
                    panic!("{status}: {}", std::fs::read_to_string(folder.path("output.log")).unwrap());
                }
                TcpStream::connect((ip, port)).ok()
            });
        }
        self
    }

    /// Sends a signal: `STOP`, `CONT`, `TERM` or `KILL`.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([&format!("-{signal}"), &self.0.id().to_string()]).status();
        assert!(status.unwrap().success(), "kill -{signal}");
        if signal == "STOP" {
            // `T` in the third field of proc(5) stat: from then on nothing of it runs.
            let stat = format!("/proc/{}/stat", self.0.id());
            eventually("it stops", || {
                let text = std::fs::read_to_string(&stat).unwrap();
                text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')).then_some(())
            });
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) {
        eventually("it ends", || self.0.try_wait().unwrap());
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // SIGKILL ends a stopped process too.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What the program said of one target.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its account.
    pub(crate) json: Value,
}

impl Seen {
    #[track_caller]
    pub(crate) fn is(&self, code: i32, outcome: &str, part_of_cause: &str) {
        let cause = self.json["cause"].as_str().unwrap_or("");
        let right = self.code == code && self.json["outcome"] == outcome && cause.contains(part_of_cause);
        assert!(right, "not {code}, {outcome}, {part_of_cause}: {self:#?}");
    }

    pub(crate) fn steps(&self) -> Vec<&str> {
        self.json["steps"].as_array().unwrap().iter().map(|step| step["what"].as_str().unwrap()).collect()
    }
}

/// Probes once with the real binary, with the folder's CA required, and time that only a hung server needs.
#[track_caller]
pub(crate) fn probe(url: &str, folder: &Folder) -> Seen {
    probe_within("10", url, folder)
}

/// Probes once, for at most so many seconds.
#[track_caller]
pub(crate) fn probe_within(seconds: &str, url: &str, folder: &Folder) -> Seen {
    let output = Command::new(env!("CARGO_BIN_EXE_understudy"))
        .args(["probe", url, "--json", "--timeout", seconds, "--verify", "require", "--ca-file"])
        .arg(folder.path("ca.pem"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {:?}", output.stderr));
    Seen { code: output.status.code().unwrap(), json }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

fn give(path: &Path) {
    chown(path, Some(65534), Some(65534)).unwrap();
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    }
}

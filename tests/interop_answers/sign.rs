//! Zones signed by three tools: BIND's `dnssec-signzone`, ldns's `ldns-signzone` and Knot's `kzonesign`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How a zone denies what does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nsec,
    Nsec3,
    /// NSEC3 with opt-out: insecure delegations have no record of their own.
    OptOut,
}

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Bind,
    Ldns,
    Knot,
}

/// Every tool with every kind.
pub(crate) const WAYS: [(Tool, Kind); 9] = [
    (Tool::Bind, Kind::Nsec),
    (Tool::Ldns, Kind::Nsec3),
    (Tool::Knot, Kind::OptOut),
    (Tool::Knot, Kind::Nsec),
    (Tool::Bind, Kind::Nsec3),
    (Tool::Ldns, Kind::OptOut),
    (Tool::Ldns, Kind::Nsec),
    (Tool::Knot, Kind::Nsec3),
    (Tool::Bind, Kind::OptOut),
];

/// Signs a zone file with a key made for it; returns the signed file.
pub(crate) fn sign(origin: &str, file: &Path, (tool, kind): (Tool, Kind)) -> PathBuf {
    match tool {
        Tool::Bind => with_bind(origin, file, kind),
        Tool::Ldns => with_ldns(origin, file, kind),
        Tool::Knot => with_knot(origin, file, kind),
    }
}

fn with_bind(origin: &str, file: &Path, kind: Kind) -> PathBuf {
    key(origin, file);
    let (folder, signed) = (folder(file), file.with_extension("signed"));
    let mut command = Command::new("dnssec-signzone");
    command.args(["-S", "-z", "-P", "-K", &folder, "-d", &folder, "-o", origin, "-f", &signed.display().to_string()]);
    match kind {
        Kind::Nsec => {}
        Kind::Nsec3 => _ = command.args(["-3", "-"]),
        Kind::OptOut => _ = command.args(["-3", "aabbcc", "-H", "7", "-A"]),
    }
    run(command.arg(file));
    signed
}

fn with_ldns(origin: &str, file: &Path, kind: Kind) -> PathBuf {
    let key = key(origin, file);
    let signed = file.with_extension("signed");
    let mut command = Command::new("ldns-signzone");
    command.args(["-o", origin, "-f", &signed.display().to_string()]);
    match kind {
        Kind::Nsec => {}
        Kind::Nsec3 => _ = command.args(["-n", "-t", "3", "-s", "dd"]),
        Kind::OptOut => _ = command.args(["-n", "-p", "-t", "0"]),
    }
    run(command.arg(file).arg(Path::new(&folder(file)).join(key)));
    signed
}

fn with_knot(origin: &str, file: &Path, kind: Kind) -> PathBuf {
    let folder = format!("{}.knot", file.display());
    std::fs::create_dir_all(&folder).unwrap();
    let (nsec3, opt_out) = (kind != Kind::Nsec, kind == Kind::OptOut);
    let (on, out) = (if nsec3 { "on" } else { "off" }, if opt_out { "on" } else { "off" });
    let config = format!(
        "database:\n    storage: \"{folder}\"\npolicy:\n  - id: one\n    single-type-signing: on\n    nsec3: {on}\n    \
         nsec3-opt-out: {out}\n    nsec3-iterations: 0\ntemplate:\n  - id: default\n    semantic-checks: off\n    \
         journal-content: none\n    storage: \"{folder}\"\nzone:\n  - domain: \"{origin}\"\n    file: \"{}\"\n    \
         dnssec-signing: on\n    dnssec-policy: one\n",
        file.display(),
    );
    let config_file = format!("{folder}/knot.conf");
    std::fs::write(&config_file, config).unwrap();
    run(Command::new("kzonesign").args(["-c", &config_file, "-o", &folder, origin]));
    let mut made = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    made.find(|path| path.extension().is_some_and(|end| end == "zone")).expect("kzonesign writes a zone")
}

/// Makes a key; returns the name of its files without their ends.
fn key(origin: &str, file: &Path) -> String {
    let algorithm = ["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K"];
    run(Command::new("dnssec-keygen").args(algorithm).arg(folder(file)).arg(origin)).trim().to_owned()
}

fn folder(file: &Path) -> String {
    file.parent().unwrap().display().to_string()
}

/// Runs a tool and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} is needed: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

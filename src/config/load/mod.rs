//! Reads the files and returns [`Running`], or all findings.

mod admin;
mod allow;
mod authorities;
mod catalog;
mod file;
mod hooks;
mod identity;
mod outside;
mod secrets;
mod siblings;
mod tls_files;
mod transfers;
mod zone_file;
mod zones;

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::finding::{Finding, Severity, worst};
use crate::base::prefix::IpPrefix;

use crate::keys::source::Source;
use crate::keys::values;
use crate::policy::Settings as Policy;
use crate::probe::allow::Access;
use crate::resolve::Addresses;
use crate::serve::{self, AccessList};
use crate::zone::parse::Places;
use crate::zone::{Name, Zone, check};

pub use allow::TWINS;
pub use outside::servers;

use allow::Allowed;
use file::{folder_of, unreadable};

use super::lower::{LoweringInput, Options, Patterns};
use super::running::Running;
use super::settings::{LintSettings, Probing, ServerSettings, SocketChoice, StateChoice, StateSettings};
use super::shape::{self, File, ZoneEntry};

pub use secrets::read as read_secret;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The files named: one may be a config (`.toml`), all others are zones. None: the default config is sought.
    pub files: Vec<PathBuf>,
    /// `--listen`, over the config's; none: the config's.
    pub listen: Vec<SocketAddr>,
    /// `--state`, over the config's.
    pub state: Option<StateChoice>,
    /// `--admin-socket`, over the config's.
    pub admin_socket: Option<SocketChoice>,
    /// `--static`: serve as declared and probe nothing.
    pub fixed: bool,
    /// `--interval`, over the config's `[health] interval`.
    pub interval: Option<Duration>,
    /// The last good version of each zone: at a reload it stays when its file is broken now.
    pub former: HashMap<Name, Arc<Zone>>,
    /// The origin that each zone file had: what a broken one is known by, if it does not say.
    pub origins: HashMap<PathBuf, Name>,
    /// More networks that may be probed (`probe --allow`).
    pub allow: Vec<IpPrefix>,
    /// Look for mistakes in the zones too (`check`); they are among the findings.
    pub lint: bool,
}

/// The process's environment variables.
pub trait Environment {
    /// Returns one variable; an empty one is as good as none.
    fn variable(&self, name: &str) -> Option<OsString>;
}

impl<F: Fn(&str) -> Option<OsString>> Environment for F {
    fn variable(&self, name: &str) -> Option<OsString> {
        self(name).filter(|value| !value.is_empty())
    }
}

/// Reads the files that `input` names, or the default config, and lowers them.
///
/// # Errors
/// All findings, if one of them keeps the server from starting: an unreadable file, a wrong config, no zone that can
/// be read, or with `strict-zones` a broken one.
pub fn load(input: &Input, environment: &dyn Environment) -> Result<Running, Vec<Finding>> {
    let chosen = choose(input, environment)?;
    let mut findings = Vec::new();
    let file = match &chosen.config {
        Some(path) => read_config(path, &mut findings),
        None => Some(File::default()),
    };
    let Some(mut file) = file else { return Err(findings) };
    let folder = chosen.config.as_deref().map(folder_of).unwrap_or_default();
    tls_files::read_all(&mut file, &folder, &mut findings);
    secrets::read_all(&mut file, &folder, &mut findings);
    let identity = identity::read_identity(&file.server, &folder, &mut findings);
    let secrets = identity::read_secrets(&file.server, &folder, &mut findings);
    let keys = transfers::read_keys(&file, chosen.config.as_deref(), &folder, &mut findings);
    let state = state_settings(&file, input, &folder, environment);
    transfers::place_kept(&mut file, state.folder.as_deref(), &mut findings);
    if let Some(folder) = &state.folder {
        catalog::expand(&mut file, folder, &mut findings);
    }
    let mut server = server_settings(&file, input, &folder, environment, &state);
    server.admin_listen = admin::listener(&file.server, &folder, &mut findings);
    findings.extend(needless_account_keys(&file.server));
    let hooks = hooks::read(&file, &folder, &mut findings);
    for (place, &address) in input.listen.iter().enumerate() {
        let before = input.listen.iter().take(place).find(|before| values::excludes(**before, address));
        findings.extend(before.map(|&before| shape::twice(("--listen", address), ("--listen", before))));
    }
    let read_options = zones::ReadOptions {
        former: &input.former,
        origins: &input.origins,
        keep_places: input.lint,
        versions: input.lint && file.zones.is_empty(),
    };
    let read = zones::read(&file.zones, &folder, &chosen.zones, read_options);
    let primaries = transfers::primaries(&file, &keys, &server.listen, &mut findings);
    let secondaries = transfers::secondaries(&file, &folder, &read.origins, &server.listen, &mut findings);
    let refused = worst(&findings) == Some(Severity::Error)
        || read.refused
        || (server.strict_zones && worst(&read.findings) == Some(Severity::Error));
    findings.extend(read.findings);
    if input.lint {
        let (patterns, _) = Patterns::new(&file.services);
        let has_check = |owner: &Name| {
            patterns.position(owner).and_then(|at| file.services.get(at)).is_some_and(|entry| entry.check.is_some())
        };
        let options = check::Options {
            r#static: input.fixed,
            ttl: file.policy.over(&Policy::default()).ttl,
            allow_private: file.lint.over(&LintSettings::default()).private_addresses,
            has_check: &has_check,
        };
        let zones: Vec<(&Zone, &Places)> = read.places.iter().map(|(zone, places)| (&**zone, places)).collect();
        findings.extend(check::check_all(&zones, &options));
    }
    let probing = file.probing.over(&Probing::default());
    let mut allow = probing.probe_allow.unwrap_or_default();
    allow.extend(&input.allow);
    let access = Access { allow, deny: probing.probe_deny };
    let is_operated = server.admin_socket.is_some() || server.admin_listen.is_some();
    let lowering = Options { fixed: input.fixed, interval: input.interval, is_operated };
    let lowering_input = LoweringInput { file, zones: read.zones, access, options: lowering };
    let lowered = lowering_input.lower(&Addresses::new());
    let refused = refused || worst(&lowered.findings) == Some(Severity::Error);
    if input.lint && !input.fixed {
        findings.extend(siblings::judge(&lowered.setup, &server.listen, &primaries, &secondaries));
    }
    findings.extend(lowered.findings);
    let file = &lowering_input.file;
    let mut hosts = lowered.outside;
    hosts.extend(transfers::hosts_outside(&secondaries.notify, &lowering_input.zones));
    hosts.sort_unstable();
    hosts.dedup();
    let outside = outside::wanted(hosts, file.probing.resolver.as_ref(), &folder, &mut findings);
    let mut allowed = 0;
    if input.lint {
        let ids = Allowed::read(file.lint.allow.as_ref(), read.places.iter().map(|(_, places)| places));
        let unknown = ids.judge(file.lint.allow.as_ref(), &findings);
        allowed = ids.apply(&mut findings);
        findings.extend(unknown);
    }
    if refused {
        return Err(findings);
    }
    Ok(Running {
        allowed,
        state,
        serve: serve::Settings {
            transfers: secondaries.rules,
            primaries: primaries.rules,
            keys,
            ..serve_settings(file, server.tcp_idle, access_lists(file, &folder, &read.origins))
        },
        notify: secondaries.notify,
        primaries: primaries.settings,
        kept: read.kept,
        secrets,
        identity,
        hooks,
        server,
        setup: lowered.setup,
        specs: lowered.specs,
        access: lowering_input.access.clone(),
        outside,
        lowering_input: Arc::new(lowering_input),
        findings,
        files: chosen.config.into_iter().chain(read.files).collect(),
        origins: read.origins,
        stale: read.stale,
    })
}

/// What is known of the server that the default config means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnServer {
    /// Where it answers.
    pub listen: Vec<SocketAddr>,
    /// Its state folder.
    pub state: Option<PathBuf>,
    /// The socket of its API.
    pub admin_socket: Option<PathBuf>,
}

/// Returns what the default config says of the server; the defaults without one, or if it cannot be read. `state` is the
/// choice of the command line. Zones are not looked at.
pub fn own_server(state: Option<StateChoice>, environment: &dyn Environment) -> OwnServer {
    let path = default_config(environment);
    let file = path.as_ref().and_then(|path| read_config(path, &mut Vec::new())).unwrap_or_default();
    let folder = path.as_deref().map(folder_of).unwrap_or_default();
    let input = Input { state, ..Input::default() };
    let state = state_settings(&file, &input, &folder, environment);
    let server = server_settings(&file, &input, &folder, environment, &state);
    OwnServer { listen: server.listen, state: state.folder, admin_socket: server.admin_socket.map(|own| own.path) }
}

/// Which files are read.
struct Chosen {
    config: Option<PathBuf>,
    zones: Vec<PathBuf>,
}

/// Tells configs from zones; without any file, seeks the default config.
fn choose(input: &Input, environment: &dyn Environment) -> Result<Chosen, Vec<Finding>> {
    if input.files.is_empty() {
        return match default_config(environment) {
            Some(config) => Ok(Chosen { config: Some(config), zones: Vec::new() }),
            None => {
                let tried = DEFAULT_CONFIGS.join(" and ");
                let finding = Finding::error("config-none", format!("no file is named, and there is no {tried}"));
                Err(vec![finding.help("name a zone file: understudy serve example.com.zone")])
            }
        };
    }
    let is_config = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let (configs, zones): (Vec<&PathBuf>, Vec<&PathBuf>) = input.files.iter().partition(is_config);
    if let [first, second, ..] = configs.as_slice() {
        let message = format!("two configs are named: {} and {}", first.display(), second.display());
        return Err(vec![Finding::error("config-two", message).help("name one config; zones may be many")]);
    }
    Ok(Chosen { config: configs.first().map(|path| (*path).clone()), zones: zones.into_iter().cloned().collect() })
}

fn default_config(environment: &dyn Environment) -> Option<PathBuf> {
    let named = environment.variable("UNDERSTUDY_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
    named.or_else(|| DEFAULT_CONFIGS.iter().map(PathBuf::from).find(|path| path.exists()))
}

fn read_config(path: &Path, findings: &mut Vec<Finding>) -> Option<File> {
    let name = path.display().to_string();
    let text = match file::read(path) {
        Ok(octets) => String::from_utf8(octets),
        Err(error) => {
            findings.push(unreadable(&format!("cannot read {name}"), &error));
            return None;
        }
    };
    let Ok(text) = text else {
        let finding = Finding::error("config-syntax", format!("{name} is not UTF-8"));
        findings.push(finding.help("save it as UTF-8"));
        return None;
    };
    let (file, found) = shape::read(&Source::new(&name, text));
    findings.extend(found);
    Some(file)
}

fn server_settings(
    file: &File,
    input: &Input,
    folder: &Path,
    environment: &dyn Environment,
    state: &StateSettings,
) -> ServerSettings {
    let configured = file.server.over(&file.listen.over(&ServerSettings::default()));
    let listen_is_default = input.listen.is_empty() && file.listen.listen.is_none();
    let listen = if input.listen.is_empty() { configured.listen } else { input.listen.clone() };
    let is_state_named = input.state.is_some() || file.state.dir.is_some();
    let variable = |name: &str| environment.variable(name);
    let admin_socket =
        admin::socket(input.admin_socket.clone(), &file.server, folder, variable, (state, is_state_named));
    let writable_folders = configured.writable_folders.iter().map(|named| folder.join(named)).collect();
    ServerSettings { listen, listen_is_default, admin_socket, writable_folders, ..configured }
}

fn serve_settings(file: &File, idle: Duration, zones: HashMap<Name, AccessList>) -> serve::Settings {
    let base = file.limits.over(&file.answers.over(&serve::Settings::default()));
    serve::Settings { keepalive: idle, transport_acl: file.allow.transport_acl(), zones, ..base }
}

/// Finds keys that say more of the user of the process, while none is named.
fn needless_account_keys(server: &shape::Server) -> Vec<Finding> {
    let places = [
        ("group", server.group.as_ref().map(|group| &group.place)),
        ("writable-folders", server.writable_folders.as_ref().map(|folders| &folders.place)),
    ];
    let set = places.into_iter().filter_map(|(key, place)| Some((key, place?))).filter(|_| server.user.is_none());
    set.map(|(key, place)| {
        let finding = Finding::error("config-user", format!("`{key}` means nothing without `user`"));
        finding.at(place.clone()).help("name the `user` that the process becomes, or leave it out")
    })
    .collect()
}

/// Returns who may ask in which zone, where that is limited.
fn access_lists(file: &File, folder: &Path, origins: &HashMap<PathBuf, Name>) -> HashMap<Name, AccessList> {
    let limited = file.zones.iter().filter(|entry| !entry.allow_query.is_open());
    let origin = |entry: &ZoneEntry| origins.get(&folder.join(&entry.file.value)).cloned();
    limited.filter_map(|entry| Some((origin(entry)?, entry.allow_query.clone()))).collect()
}

fn state_settings(file: &File, input: &Input, folder: &Path, environment: &dyn Environment) -> StateSettings {
    let configured = file.state.dir.clone().map(|choice| match choice.value {
        StateChoice::Folder(path) => StateChoice::Folder(folder.join(path)),
        StateChoice::Nothing => StateChoice::Nothing,
    });
    let choice = input.state.clone().or(configured);
    StateSettings {
        folder: match choice {
            Some(StateChoice::Folder(path)) => Some(path),
            Some(StateChoice::Nothing) => None,
            None => Some(default_state_folder(environment)),
        },
        ..file.state.over(&StateSettings::default())
    }
}

/// Returns `$STATE_DIRECTORY` (the first, if systemd names several), else `$XDG_STATE_HOME/understudy`, else
/// `/var/lib/understudy`; for a user who may not write there the folder that the XDG specification means instead,
/// `~/.local/state/understudy`.
fn default_state_folder(environment: &dyn Environment) -> PathBuf {
    let variable = |name| environment.variable(name).filter(|value| !value.is_empty());
    if let Some(value) = variable("STATE_DIRECTORY") {
        return std::env::split_paths(&value).next().unwrap_or_default();
    }
    if let Some(home) = variable("XDG_STATE_HOME") {
        return PathBuf::from(home).join("understudy");
    }
    match variable("HOME").filter(|_| !may_write(SYSTEM_STATE)) {
        Some(home) => PathBuf::from(home).join(".local/state/understudy"),
        None => PathBuf::from(SYSTEM_STATE),
    }
}

/// Returns whether this user may write into a folder, or make it.
fn may_write(folder: &str) -> bool {
    rustix::process::geteuid().is_root() || rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Where a system's own service keeps its state.
const SYSTEM_STATE: &str = "/var/lib/understudy";

const DEFAULT_CONFIGS: [&str; 2] = ["./understudy.toml", "/etc/understudy/understudy.toml"];

#[cfg(test)]
mod tests;

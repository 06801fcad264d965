//! The keys of `[server]`, `[state]` and `[limits]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use crate::config::settings::{Ready, ServerSettings, SocketChoice, StateChoice, StateSettings, Workers};
use crate::keys::reader::Each;
use crate::keys::statement;
use crate::keys::values::{self, Read, Shown, Words};
use crate::serve::{self, Frame, UpdateAnswer};

statement! {
    /// `[server]`: the listeners and the process.
    pub struct Server over ServerSettings {
        /// The certificate with its chain, and its key, in PEM; they are read anew at each reload.
        certificate: PathBuf = values::path, apart "\"fullchain.pem\"";
        key: PathBuf = values::path, apart "\"key.pem\"";
        /// Whose listeners answer: "native", our own, or "hickory", those of hickory-server (docs/listeners.md tells the differences).
        frame: Frame = values::word;
        /// Whether a broken zone among good ones refuses the start; else it is answered SERVFAIL.
        strict_zones: bool = values::boolean;
        /// When the server counts as ready: "any-zone", as long as one zone is served, or "every-zone", if none is broken.
        ready: Ready = values::word;
        /// How long a connection (TCP, TLS, HTTPS, QUIC) is kept on which no whole query comes; pings of QUIC are none.
        tcp_idle: Duration = values::duration(Duration::from_secs(1), Duration::from_secs(3600));
        /// The most connections at once, in all and of one client (an IPv4 address or an IPv6 /64); beyond them one makes room:
        /// the oldest that never asked, if such have a quarter of all, else the one that has been idle longest.
        tcp_limit: u32 = values::integer(1, 1_000_000);
        tcp_limit_per_client: u32 = values::integer(1, 1_000_000);
        /// The file with the secrets of DNS cookies (RFC 9018), for servers that answer at one address: 32 hexadecimal digits a
        /// line, the signing one first, all are believed. Read anew at each reload. By default a random one, replaced each day.
        cookie_secrets: PathBuf = values::path, apart "\"cookies\"";
        /// Who the process becomes when its ports are bound, for a start as root, by name or number; by default it stays who it
        /// is. Then it has no capabilities, gets no new ones, and writes in few folders only: the state folder, that of
        /// `admin-socket`, /tmp, /var/tmp and those that are named here, which goes for programs of checks and hooks too.
        user: String = values::text, example "\"understudy\"";
        group: String = values::text, example "\"understudy\"";
        writable_folders: Vec<PathBuf> = Each(values::path), example "[\"/var/cache/checks\"]";
        /// Where metrics and readiness are told over HTTP. Nowhere by default.
        metrics_listen: SocketAddr = values::socket, example "\"127.0.0.1:9153\"";
        /// The socket through which `understudy status`, `drain` and the like reach the server, of mode 0660; "none" opens none.
        /// By default admin.sock in $RUNTIME_DIRECTORY, else in a `dir` that is named, else in $XDG_RUNTIME_DIR/understudy, else
        /// in the state folder.
        admin_socket: SocketChoice = socket_choice, apart "\"/run/understudy/admin.sock\"";
        /// Where the same is served over the network, nowhere by default: on loopback in the clear, elsewhere over TLS with
        /// `certificate`. Clients need the token in this file, a line of at least 32 characters, or a certificate of this CA.
        admin_listen: SocketAddr = values::socket, apart "\"127.0.0.1:9154\"";
        admin_token_file: PathBuf = values::path, apart "\"admin.token\"";
        admin_client_ca: PathBuf = values::path, apart "\"operators.pem\"";
        /// The number of threads that answer over UDP on each address, and of those that all other listeners share; "auto": one
        /// for each processor.
        workers: Workers = workers;
        /// How many octets of queries and of answers each socket for UDP holds while its thread is busy, as far as the system
        /// lets (net.core.rmem_max, net.core.wmem_max); 0 leaves the system's default.
        udp_receive_buffer: u32 = values::integer(0, 1 << 30);
        udp_send_buffer: u32 = values::integer(0, 1 << 30);
        /// For how many microseconds a thread for UDP that has nothing to do asks the network card itself before it sleeps:
        /// shorter waits for more processor time. Beyond net.core.busy_poll it needs CAP_NET_ADMIN.
        udp_busy_poll: u32 = values::integer(0, 1_000_000);
    }
}

statement! {
    /// `[server]`: what answers say.
    pub struct Answers over serve::Settings {
        /// The largest UDP answer in octets (512 to 4096); larger ones fit through most networks no more.
        udp_size: u16 = values::integer(512, 4096);
        /// Whether answers leave out the sections that nobody asked for.
        minimal_responses: bool = values::boolean;
        /// Whether SRV records stand by priority, and those of one by chance and weight anew in each answer, for clients that
        /// take the first one. Otherwise the records of each set are turned.
        weighted_order: bool = values::boolean;
        /// Whether answers say why they are as they are (extended errors, RFC 8914), as in "tier 20 is active, tier 10 failed".
        extended_errors: bool = values::boolean;
        /// What `version.bind. CH TXT` says; "none" refuses.
        version: Option<String> = version_text;
        /// The server's identifier in answers (NSID, RFC 5001): a text, or octets as "0x…". None by default.
        nsid: Vec<u8> = nsid, example "\"ns1\"";
        /// What UPDATE (RFC 2136) is answered with, which changes nothing here: "notimp" or "refused".
        update: UpdateAnswer = values::word;
        /// One of so many queries is told in the log, at most 100 lines a second; 0 tells none.
        query_log: u32 = values::integer(0, 1_000_000_000);
    }
}

statement! {
    /// `[state]`
    pub struct State over StateSettings {
        /// The folder for orders, health and serials; "none" keeps nothing. By default $STATE_DIRECTORY, else
        /// $XDG_STATE_HOME/understudy, else /var/lib/understudy, or ~/.local/state/understudy for who may not write there.
        dir: StateChoice = state_choice, apart "\"/var/lib/understudy\"";
        /// Up to which age stored health counts at a start.
        max_age: Duration = values::duration(Duration::ZERO, Duration::from_secs(30 * 86_400));
        /// How many octets each of the two files takes that tell what has happened, and what was judged from (`log --since`,
        /// `replay`): when the first is full, it takes the place of the second. 0 writes none, else it is at least 65536.
        history_size: u32 = history_size;
    }
}

statement! {
    /// `[limits]`
    pub struct Limits over serve::Settings {
        /// Like answers over UDP to one network in a second; 0 is no limit. Of those beyond, every so manieth (0: none) is sent
        /// truncated, so that who really asks comes by TCP. Clients with a DNS cookie, and those on this machine, are not limited.
        rate as "rrl-rate": u16, in rates = values::integer(0, 65_535);
        slip as "rrl-slip": u8, in rates = values::integer(0, 100);
        /// How many bits of an address make a network.
        v4 as "rrl-v4": u8, in rates = values::integer(8, 32);
        v6 as "rrl-v6": u8, in rates = values::integer(16, 128);
        /// How many transfers to secondaries run at once; those beyond are answered SERVFAIL, and come again.
        transfer_limit: u32 = values::integer(1, 1_000);
        /// Whether an answer over UDP may be longer than its query, if the client has no cookie to show that it owns its address;
        /// if not, it is sent truncated, with the client's first cookie.
        amplification: bool = values::boolean;
    }
}

fn workers(value: &DeValue<'_>) -> Read<Workers> {
    if value.as_str() == Some("auto") {
        return Ok(Workers::Auto);
    }
    let count = values::integer(1, 1024)(value).ok().map(|count: u16| usize::from(count));
    let count = count.and_then(std::num::NonZeroUsize::new);
    count.map(Workers::Count).ok_or_else(|| "\"auto\" or an integer from 1 to 1024".to_owned())
}

impl Words for Frame {
    const WORDS: &'static [(&'static str, Self)] = &[("native", Self::Native), ("hickory", Self::Hickory)];
}

impl Words for UpdateAnswer {
    const WORDS: &'static [(&'static str, Self)] = &[("notimp", Self::NotImplemented), ("refused", Self::Refused)];
}

impl Words for Ready {
    const WORDS: &'static [(&'static str, Self)] = &[("any-zone", Self::AnyZone), ("every-zone", Self::EveryZone)];
}

impl Shown for Workers {
    fn shown(&self) -> String {
        match self {
            Self::Auto => "\"auto\"".to_owned(),
            Self::Count(count) => count.to_string(),
        }
    }
}

/// Reads `nsid`: a text of up to 255 octets, or octets in hexadecimal behind `0x`.
fn nsid(value: &DeValue<'_>) -> Read<Vec<u8>> {
    let wanted = || "a text of up to 255 octets, or octets as \"0x…\" in hexadecimal".to_owned();
    let text = value.as_str().ok_or_else(wanted)?;
    let octets = match text.strip_prefix("0x") {
        Some(digits) => data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| wanted())?,
        None => text.as_bytes().to_vec(),
    };
    if (1..=255).contains(&octets.len()) { Ok(octets) } else { Err(wanted()) }
}

fn history_size(value: &DeValue<'_>) -> Read<u32> {
    let size = values::integer(0, HISTORY_MAX)(value).ok();
    let size = size.filter(|size| *size == 0 || *size >= HISTORY_MIN);
    size.ok_or_else(|| format!("0, or an integer from {HISTORY_MIN} to {HISTORY_MAX}"))
}

fn version_text(value: &DeValue<'_>) -> Read<Option<String>> {
    match value.as_str() {
        Some("none") => Ok(None),
        Some(text) if (1..=255).contains(&text.len()) => Ok(Some(text.to_owned())),
        Some(_) | None => Err("a text of up to 255 octets, or \"none\"".to_owned()),
    }
}

fn socket_choice(value: &DeValue<'_>) -> Read<SocketChoice> {
    match values::path(value) {
        Ok(path) => Ok(SocketChoice::from(path)),
        Err(_) => Err("a path in quotes, or \"none\" to open no socket".to_owned()),
    }
}

fn state_choice(value: &DeValue<'_>) -> Read<StateChoice> {
    match values::path(value) {
        Ok(path) => Ok(StateChoice::from(path)),
        Err(_) => Err("a path in quotes, or \"none\" to keep nothing".to_owned()),
    }
}

/// The bounds of each file of the history, in octets.
const HISTORY_MIN: u32 = 1 << 16;
const HISTORY_MAX: u32 = 1 << 30;

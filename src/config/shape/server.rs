//! The keys of `[server]`, `[state]` and `[limits]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use crate::base::finding::Finding;
use crate::base::prefix::IpPrefix;
use crate::config::reader::{Each, Reader, Section};
use crate::config::settings::{ServerSettings, StateChoice, StateSettings, Workers};
use crate::config::source::Placed;
use crate::config::statement::statement;
use crate::config::values::{self, Read, Shown};
use crate::serve::{self, Transport, TransportAcl};

use super::entries::access_list;

statement! {
    /// `[server]`: the listeners and the process.
    pub struct Server over ServerSettings {
        /// Where UDP and TCP are answered; give 53 on the public addresses once all is well.
        listen: Vec<SocketAddr> = Each(values::socket);
        /// Whether a broken zone among good ones refuses the start; else it is answered SERVFAIL.
        strict_zones: bool = values::boolean;
        /// How long a connection (TCP, TLS, HTTPS, QUIC) is kept on which no whole query comes.
        tcp_idle: Duration = values::duration(Duration::from_secs(1), Duration::from_secs(3600));
        /// The most connections at once, in all and of one client (an IPv4 address or an IPv6 /64); beyond them the one that has
        /// been idle longest makes room.
        tcp_limit: u32 = values::integer(1, 1_000_000);
        tcp_limit_per_client: u32 = values::integer(1, 1_000_000);
        /// Where DNS over TLS (RFC 7858), HTTPS (RFC 8484, path /dns-query) and QUIC (RFC 9250) are answered. Nowhere by default.
        tls_listen: Vec<SocketAddr> = Each(values::socket), example "[\"[::]:853\"]";
        https_listen: Vec<SocketAddr> = Each(values::socket), example "[\"[::]:443\"]";
        quic_listen: Vec<SocketAddr> = Each(values::socket), example "[\"[::]:853\"]";
        /// The certificate with its chain, and its key, in PEM; they are read anew at each reload.
        certificate: PathBuf = values::path, apart "\"fullchain.pem\"";
        key: PathBuf = values::path, apart "\"key.pem\"";
        /// The file with the secrets of DNS cookies (RFC 9018), for servers that answer at one address: 32 hexadecimal digits a
        /// line, the signing one first, all are believed. Read anew at each reload. By default a random one, replaced each day.
        cookie_secrets: PathBuf = values::path, apart "\"cookies\"";
        /// Where metrics and readiness are told over HTTP. Nowhere by default.
        metrics_listen: SocketAddr = values::socket, example "\"127.0.0.1:9153\"";
        /// The number of threads that the server runs on; "auto": one for each processor.
        workers: Workers = workers;
    }
}

statement! {
    /// `[server]`: what answers say.
    pub struct Answers over serve::Settings {
        /// The largest UDP answer in octets (512 to 4096); larger ones fit through most networks no more.
        udp_size: u16 = values::integer(512, 4096);
        /// Whether answers leave out the sections that nobody asked for.
        minimal_responses: bool = values::boolean;
        /// What `version.bind. CH TXT` says; "none" refuses.
        version: Option<String> = version_text;
        /// The server's identifier in answers (NSID, RFC 5001): a text, or octets as "0x…". None by default.
        nsid: Vec<u8> = nsid, example "\"ns1\"";
        /// One of so many queries is told in the log, at most 100 lines a second; 0 tells none.
        query_log: u32 = values::integer(0, 1_000_000_000);
    }
}

statement! {
    /// `[state]`
    pub struct State over StateSettings {
        /// The folder for orders, health and serials; "none" keeps nothing. By default $STATE_DIRECTORY, else
        /// $XDG_STATE_HOME/understudy, else /var/lib/understudy.
        dir: StateChoice = state_choice, apart "\"/var/lib/understudy\"";
        /// Up to which age stored health counts at a start.
        max_age: Duration = values::duration(Duration::ZERO, Duration::from_secs(30 * 86_400));
    }
}

statement! {
    /// `[limits]`
    pub struct Limits over serve::Settings {
        /// Like answers over UDP to one network in a second; 0 is no limit. Of those beyond, every so manieth (0: none) is sent
        /// truncated, so that who really asks comes by TCP. Clients with a DNS cookie are not limited.
        rate as "rrl-rate": u16, in rates = values::integer(0, 65_535);
        slip as "rrl-slip": u8, in rates = values::integer(0, 100);
        /// How many bits of an address make a network.
        v4 as "rrl-v4": u8, in rates = values::integer(8, 32);
        v6 as "rrl-v6": u8, in rates = values::integer(16, 128);
        /// Whether an answer over UDP may be longer than its query, if the client has no cookie to show that it owns its address;
        /// if not, it is sent truncated, with the client's first cookie.
        amplification: bool = values::boolean;
        /// Networks that may come by a transport; the others are refused. Everybody by default.
        allow_udp: Vec<IpPrefix> = Each(values::network), apart "[\"192.0.2.0/24\"]";
        allow_tcp: Vec<IpPrefix> = Each(values::network), apart "[\"192.0.2.0/24\"]";
        allow_tls: Vec<IpPrefix> = Each(values::network), apart "[\"192.0.2.0/24\"]";
        allow_https: Vec<IpPrefix> = Each(values::network), apart "[\"192.0.2.0/24\"]";
        allow_quic: Vec<IpPrefix> = Each(values::network), apart "[\"192.0.2.0/24\"]";
    }
}

impl Server {
    /// Finds an empty list of addresses, addresses that exclude each other, listeners without a certificate, and a
    /// certificate without its key.
    pub(super) fn judge(&self, reader: &mut Reader<'_>, section: &Section<'_>) {
        self.judge_addresses(reader);
        if let Some(listen) = self.listen.as_ref().filter(|listen| listen.value.is_empty()) {
            let finding = Finding::error("config-value", "`listen` names no address").at(listen.place.clone());
            reader.find(finding.help("name one, such as [\"127.0.0.1:5300\"], or leave the key out for the default"));
        }
        let listeners = [&self.tls_listen, &self.https_listen, &self.quic_listen].into_iter().zip(LISTEN);
        let is_open =
            |list: &Option<_>| list.as_ref().is_some_and(|list: &Placed<Vec<SocketAddr>>| !list.value.is_empty());
        let open = listeners.filter(|(list, _)| is_open(list)).map(|(_, key)| key);
        let missing: Vec<&str> = PAIR.into_iter().filter(|key| !section.has(key)).collect();
        let asks = open.chain(PAIR.into_iter().filter(|key| section.has(key))).next();
        let (Some(asks), [first, ..]) = (asks, missing.as_slice()) else { return };
        let message = format!("`{asks}` needs `{}`", missing.join("` and `"));
        let finding = Finding::error("config-certificate", message).at(reader.key_place(section, asks));
        reader.find(finding.help(format!("name the PEM file: {first} = \"…\"")));
    }
}

impl Server {
    /// Finds two listeners of one transport at one address, or at one and at all of the machine's.
    fn judge_addresses(&self, reader: &mut Reader<'_>) {
        // Whether each is over UDP, and over TCP.
        let lists = [
            ("listen", self.listen.as_ref(), true, true),
            (LISTEN[0], self.tls_listen.as_ref(), false, true),
            (LISTEN[1], self.https_listen.as_ref(), false, true),
            (LISTEN[2], self.quic_listen.as_ref(), true, false),
        ];
        let mut seen: Vec<(&str, SocketAddr, bool, bool)> = Vec::new();
        for (key, list, udp, tcp) in lists {
            let Some(list) = list else { continue };
            for &address in &list.value {
                let same = |other: &&(&str, SocketAddr, bool, bool)| {
                    values::excludes(other.1, address) && ((udp && other.2) || (tcp && other.3))
                };
                if let Some((first, other, ..)) = seen.iter().find(same) {
                    let finding = twice((key, address), (first, *other)).at(list.place.clone());
                    reader.find(finding);
                }
                seen.push((key, address, udp, tcp));
            }
        }
    }
}

/// Says that two listeners cannot stand side by side; each with its key or option.
pub fn twice((key, address): (&str, SocketAddr), (first, other): (&str, SocketAddr)) -> Finding {
    let message = if address == other {
        format!("`{key}` names {address}, and `{first}` does so before it")
    } else {
        format!("`{key}` names {address}, which is a part of {other} in `{first}`, or the other way round")
    };
    let finding = Finding::error("listen-twice", message)
        .why("the second listener finds its address in use, by this server itself");
    finding.help("name each address and port once; 0.0.0.0 and [::] mean every address of the machine")
}

impl Limits {
    /// Returns who may come by which transport.
    pub fn transport_acl(&self) -> TransportAcl {
        let list = |transport| match transport {
            Transport::Udp => &self.allow_udp,
            Transport::Tcp => &self.allow_tcp,
            Transport::Tls => &self.allow_tls,
            Transport::Https => &self.allow_https,
            Transport::Quic => &self.allow_quic,
        };
        let add = |acl: TransportAcl, transport| acl.with(transport, access_list(list(transport).as_ref()));
        Transport::ALL.into_iter().fold(TransportAcl::default(), add)
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

fn version_text(value: &DeValue<'_>) -> Read<Option<String>> {
    match value.as_str() {
        Some("none") => Ok(None),
        Some(text) if (1..=255).contains(&text.len()) => Ok(Some(text.to_owned())),
        Some(_) | None => Err("a text of up to 255 octets, or \"none\"".to_owned()),
    }
}

fn state_choice(value: &DeValue<'_>) -> Read<StateChoice> {
    match values::path(value) {
        Ok(path) => Ok(StateChoice::from(path)),
        Err(_) => Err("a path in quotes, or \"none\" to keep nothing".to_owned()),
    }
}

const LISTEN: [&str; 3] = ["tls-listen", "https-listen", "quic-listen"];
const PAIR: [&str; 2] = ["certificate", "key"];

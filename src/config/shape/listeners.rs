//! The keys that each listener has, generated from the listener table: its addresses, and the networks that may use it.

use std::net::SocketAddr;

use crate::base::finding::Finding;
use crate::base::prefix::IpPrefix;
use crate::config::settings::ServerSettings;
use crate::keys::reader::{Each, Reader, Section, Take as _};
use crate::keys::source::Placed;
use crate::keys::values::{self, Shown as _};
use crate::keys::{Key, Status, Value};
use crate::serve::{PerTransport, SocketKind, Transport, TransportAcl};

use super::entries::access_list;

/// `[server]`: where the listeners are opened.
#[derive(Clone, Debug, Default)]
pub struct ListenKeys {
    /// `listen`, for those without a key of their own.
    pub listen: Option<Placed<Vec<SocketAddr>>>,
    /// The others.
    own: PerTransport<Option<Placed<Vec<SocketAddr>>>>,
}

/// `[limits]`: who may come by which transport.
#[derive(Clone, Debug, Default)]
pub struct AllowKeys(PerTransport<Option<Placed<Vec<IpPrefix>>>>);

impl ListenKeys {
    /// The keys, in the order of the example.
    pub const KEYS: &'static [Key] = &LISTEN_KEYS;

    /// Reads them from a section.
    pub fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let mut take = |key: &str, port: u16| Each(values::socket_or(port)).take(reader, section, key);
        let listen = take(LISTEN, DNS_PORT);
        let own = PerTransport::new(|transport| transport.kind().listen.and_then(|key| take(key.name, key.port)));
        Self { listen, own }
    }

    /// Lays what is set over settings.
    pub fn over(&self, base: &ServerSettings) -> ServerSettings {
        let mut laid = base.clone();
        if let Some(listen) = &self.listen {
            laid.listen = listen.value.clone();
        }
        for (transport, own) in self.own.iter() {
            if let Some(own) = own {
                laid.own_listen.set(transport, own.value.clone());
            }
        }
        laid
    }

    /// Finds an empty list of addresses, addresses that exclude each other, listeners without a certificate, and a certificate without its key.
    pub(super) fn judge(&self, reader: &mut Reader<'_>, section: &Section<'_>) {
        self.judge_addresses(reader);
        if let Some(listen) = self.listen.as_ref().filter(|listen| listen.value.is_empty()) {
            let finding = Finding::error("config-value", "`listen` names no address").at(listen.place.clone());
            reader.find(finding.help("name one, such as [\"127.0.0.1:5300\"], or leave the key out for the default"));
        }
        let is_open = |list: &Option<Placed<Vec<_>>>| list.as_ref().is_some_and(|list| !list.value.is_empty());
        let open = self.own.iter().filter(|(transport, list)| transport.kind().is_encrypted && is_open(list));
        let open = open.filter_map(|(transport, _)| transport.kind().listen).map(|key| key.name);
        let missing: Vec<&str> = PAIR.into_iter().filter(|key| !section.has(key)).collect();
        let asks = open.chain(PAIR.into_iter().filter(|key| section.has(key))).next();
        let (Some(asks), [first, ..]) = (asks, missing.as_slice()) else { return };
        let message = format!("`{asks}` needs `{}`", missing.join("` and `"));
        let finding = Finding::error("config-certificate", message).at(reader.key_place(section, asks));
        reader.find(finding.help(format!("name the PEM file: {first} = \"…\"")));
    }
}

impl ListenKeys {
    /// Finds two listeners of one transport at one address, or at one and at all of the machine's.
    fn judge_addresses(&self, reader: &mut Reader<'_>) {
        let plain = self.listen.iter().flat_map(|list| {
            [SocketKind::Datagrams, SocketKind::Streams].into_iter().map(move |socket| (LISTEN, socket, list))
        });
        let own = self.own.iter().filter_map(|(transport, list)| {
            let kind = transport.kind();
            Some((kind.listen?.name, kind.socket, list.as_ref()?))
        });
        let mut seen: Vec<(&str, SocketKind, SocketAddr)> = Vec::new();
        let mut told: Vec<(&str, SocketAddr)> = Vec::new();
        for (key, socket, list) in plain.chain(own) {
            for &address in &list.value {
                let excludes =
                    |other: &&(&str, SocketKind, SocketAddr)| other.1 == socket && values::excludes(other.2, address);
                if let Some(&(first, _, other)) = seen.iter().find(excludes)
                    && !told.contains(&(key, address))
                {
                    told.push((key, address));
                    reader.find(twice((key, address), (first, other)).at(list.place.clone()));
                }
                seen.push((key, socket, address));
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

impl AllowKeys {
    /// The keys, in the order of the example.
    pub const KEYS: &'static [Key] = &ALLOW_KEYS;

    /// Reads them from a section.
    pub fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        Self(PerTransport::new(|transport| Each(values::network).take(reader, section, transport.kind().allow)))
    }

    /// Returns who may come by which transport.
    pub fn transport_acl(&self) -> TransportAcl {
        let add =
            |acl: TransportAcl, (transport, list): (_, &Option<_>)| acl.with(transport, access_list(list.as_ref()));
        self.0.iter().fold(TransportAcl::default(), add)
    }
}

/// `listen`, then the keys of the listeners that have one.
const LISTEN_KEYS: [Key; 1 + own_keys()] = {
    let mut keys = [PLAIN; 1 + own_keys()];
    let (mut row, mut place) = (0, 1);
    while row < Transport::ALL.len() {
        if let Some(key) = Transport::ALL[row].kind().listen {
            let value = Value::Example(key.example);
            keys[place] = Key { name: key.name, text: key.text, value, status: Status::Works };
            place += 1;
        }
        row += 1;
    }
    keys
};

const PLAIN: Key = Key {
    name: LISTEN,
    text: &[
        " Where UDP and TCP are answered: addresses, each with a port or at port 53. The default is port 5300 of loopback, for",
        " trying out; give the public addresses once all is well.",
    ],
    value: Value::Default(|| ServerSettings::default().listen.shown()),
    status: Status::Works,
};

const fn own_keys() -> usize {
    let (mut row, mut count) = (0, 0);
    while row < Transport::ALL.len() {
        count += Transport::ALL[row].kind().listen.is_some() as usize;
        row += 1;
    }
    count
}

const ALLOW_KEYS: [Key; Transport::ALL.len()] = {
    let value = Value::Example("[\"192.0.2.0/24\"]");
    let mut keys = [Key { name: "", text: &[], value, status: Status::Works }; Transport::ALL.len()];
    let mut row = 0;
    while row < Transport::ALL.len() {
        keys[row].name = Transport::ALL[row].kind().allow;
        row += 1;
    }
    keys[0].text = &[" Networks that may come by a transport; the others are refused. Everybody by default."];
    keys
};

/// Where DNS over UDP and TCP is asked.
pub const DNS_PORT: u16 = 53;
const LISTEN: &str = "listen";
const PAIR: [&str; 2] = ["certificate", "key"];

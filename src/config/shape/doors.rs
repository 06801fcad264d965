//! The keys of `[server]` about encrypted doors and cookies, and `[limits]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::base::finding::Finding;
use crate::base::prefix::IpPrefix;
use crate::config::keys;
use crate::config::reader::{Reader, Section};
use crate::config::source::{List, Placed};
use crate::config::values;
use crate::serve::{AccessList, Doorkeeper, Rates, Transport};

/// The keys of `[server]` about encrypted doors and cookies.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    /// `tls-listen`
    pub tls_listen: Vec<SocketAddr>,
    /// `https-listen`
    pub https_listen: Vec<SocketAddr>,
    /// `quic-listen`
    pub quic_listen: Vec<SocketAddr>,
    /// `certificate`
    pub certificate: Option<Placed<PathBuf>>,
    /// `key`
    pub key: Option<Placed<PathBuf>>,
    /// `cookie-secrets`
    pub cookie_secrets: Option<Placed<PathBuf>>,
}

/// `[limits]`; nothing where the default holds.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// `rrl-rate`
    pub rate: Option<u16>,
    /// `rrl-slip`
    pub slip: Option<u8>,
    /// `rrl-v4`
    pub v4: Option<u8>,
    /// `rrl-v6`
    pub v6: Option<u8>,
    /// `amplification`
    pub amplification: Option<bool>,
    /// `allow-udp` and its like for the other transports.
    pub doors: Doorkeeper,
}

impl Doors {
    /// Reads them from `[server]`.
    pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Self {
        let mut listen = |key: &str| {
            let list = reader.take_list(section, key, values::socket);
            list.map(|list| list.value.into_iter().map(|socket| socket.value).collect()).unwrap_or_default()
        };
        let (tls_listen, https_listen, quic_listen) =
            (listen("tls-listen"), listen("https-listen"), listen("quic-listen"));
        let doors = Self {
            tls_listen,
            https_listen,
            quic_listen,
            certificate: reader.take(section, "certificate", values::path),
            key: reader.take(section, "key", values::path),
            cookie_secrets: reader.take(section, "cookie-secrets", values::path),
        };
        doors.judge(reader, section);
        doors
    }

    /// Finds doors without a certificate, and a certificate without its key.
    fn judge(&self, reader: &mut Reader<'_>, section: &Section<'_>) {
        let doors = [&self.tls_listen, &self.https_listen, &self.quic_listen].into_iter().zip(LISTEN);
        let open = doors.filter(|(addresses, _)| !addresses.is_empty()).map(|(_, key)| key);
        let missing: Vec<&str> = PAIR.into_iter().filter(|key| !section.has(key)).collect();
        let asks = open.chain(PAIR.into_iter().filter(|key| section.has(key))).next();
        let (Some(asks), [first, ..]) = (asks, missing.as_slice()) else { return };
        let message = format!("`{asks}` needs `{}`", missing.join("` and `"));
        let finding = Finding::error("config-certificate", message).at(reader.key_place(section, asks));
        reader.find(finding.help(format!("name the PEM file: {first} = \"…\"")));
    }
}

impl Limits {
    /// Reads `[limits]`.
    pub(super) fn read(reader: &mut Reader<'_>, root: &Section<'_>) -> Self {
        let Some(section) = reader.table(root, "limits", "[limits]") else { return Self::default() };
        reader.refuse_unknown_keys(&section, &[keys::LIMITS]);
        let mut small = |key: &str, low: u32, high: u32| {
            let number = reader.take(&section, key, values::integer(low, high));
            number.and_then(|placed| u16::try_from(placed.value).ok())
        };
        let octet = |number: Option<u16>| number.and_then(|number| u8::try_from(number).ok());
        let rate = small("rrl-rate", 0, 65_535);
        let slip = octet(small("rrl-slip", 0, 100));
        let (v4, v6) = (octet(small("rrl-v4", 8, 32)), octet(small("rrl-v6", 16, 128)));
        let amplification = reader.take(&section, "amplification", values::boolean).map(|placed| placed.value);
        let doors = Transport::ALL.into_iter().fold(Doorkeeper::default(), |doors, transport| {
            let list = reader.take_list(&section, allow_key(transport), values::network);
            doors.with(transport, access_list(list))
        });
        Self { rate, slip, v4, v6, amplification, doors }
    }

    /// Returns the rates, with defaults where nothing is set.
    pub fn rates(&self) -> Rates {
        let base = Rates::default();
        Rates {
            rate: self.rate.unwrap_or(base.rate),
            slip: self.slip.unwrap_or(base.slip),
            v4: self.v4.unwrap_or(base.v4),
            v6: self.v6.unwrap_or(base.v6),
        }
    }
}

/// Makes an access list; without a key everybody is let in.
pub(super) fn access_list(list: Option<List<IpPrefix>>) -> AccessList {
    let networks = |list: List<IpPrefix>| list.value.into_iter().map(|network| network.value).collect();
    list.map_or_else(AccessList::default, |list| AccessList::only(networks(list)))
}

const fn allow_key(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "allow-udp",
        Transport::Tcp => "allow-tcp",
        Transport::Tls => "allow-tls",
        Transport::Https => "allow-https",
        Transport::Quic => "allow-quic",
    }
}

const LISTEN: [&str; 3] = ["tls-listen", "https-listen", "quic-listen"];
const PAIR: [&str; 2] = ["certificate", "key"];

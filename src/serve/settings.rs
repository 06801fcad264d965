//! How queries are answered: the configured settings, swapped as a whole.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::transfer::{KeyRing, Rules};
use crate::zone::Name;

use super::access::{AccessList, TransportAcl};

/// How queries are answered (`[server]`, `[limits]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest answer over UDP in octets, at least 512.
    pub udp_size: u16,
    /// Whether additional records are left out, glue excepted.
    pub minimal_responses: bool,
    /// Whether the records of SRV sets are ordered by priority, and those of one by chance and weight.
    pub weighted_order: bool,
    /// Whether answers say why they are as they are (extended errors, RFC 8914).
    pub extended_errors: bool,
    /// What `id.server. CH TXT` and the NSID option (RFC 5001) tell; at most 255 octets of it.
    pub nsid: Option<Vec<u8>>,
    /// What `version.server. CH TXT` tells.
    pub version: Option<String>,
    /// How long idle streams are kept, as told by edns-tcp-keepalive (RFC 7828).
    pub keepalive: Duration,
    /// Whether an answer to an address that can be forged may be longer than its query.
    pub amplification: bool,
    /// How many answers a network gets over UDP.
    pub rates: Rates,
    /// Who may come by which transport.
    pub transport_acl: TransportAcl,
    /// Who may ask in a zone; everybody in one that is not here.
    pub zones: HashMap<Name, AccessList>,
    /// Who may transfer which zone; nobody any other one.
    pub transfers: HashMap<Name, Rules>,
    /// Who may tell of new versions of which zone: its primaries.
    pub primaries: HashMap<Name, Rules>,
    /// How many transfers run at once.
    pub transfer_limit: u32,
    /// The keys of signed queries.
    pub keys: KeyRing,
    /// What UPDATE is answered with.
    pub update: UpdateAnswer,
    /// One of so many queries is logged; 0: none.
    pub query_log: u32,
}

/// What UPDATE (RFC 2136) is answered with: no zone is changed by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateAnswer {
    /// NOTIMP: this server does not know it.
    #[default]
    NotImplemented,
    /// REFUSED: as by a server that knows it and lets nobody.
    Refused,
}

/// `[limits]`: how many answers a network gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Like answers to one network in a second; 0 is no limit. NSD's default too: a resolver keeps an answer for its TTL, so even
    /// those of a whole network ask less.
    pub rate: u16,
    /// Every so manieth answer beyond the rate is sent truncated; 0: none, 1: all.
    pub slip: u8,
    /// How many bits of an IPv4 address make a network.
    pub v4: u8,
    /// How many bits of an IPv6 address make a network.
    pub v6: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            udp_size: 1232,
            minimal_responses: false,
            weighted_order: false,
            extended_errors: true,
            nsid: None,
            version: None,
            keepalive: Duration::from_secs(10),
            amplification: true,
            rates: Rates::default(),
            transport_acl: TransportAcl::default(),
            zones: HashMap::new(),
            transfers: HashMap::new(),
            primaries: HashMap::new(),
            transfer_limit: 10,
            keys: KeyRing::default(),
            update: UpdateAnswer::default(),
            query_log: 0,
        }
    }
}

impl Settings {
    /// Returns whether an address may ask in a zone.
    pub(super) fn may_ask(&self, origin: &Name, address: IpAddr) -> bool {
        self.zones.is_empty() || self.zones.get(origin).is_none_or(|list| list.admits(address))
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self { rate: 200, slip: 2, v4: 24, v6: 56 }
    }
}

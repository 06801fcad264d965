//! What the engine runs: zones, targets, pools and what they fill, as the config room lowers them.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::hash::StableHash;
use crate::base::table::Table;
use crate::health::isolation::Endpoint;
use crate::health::{self, TargetId};
use crate::policy::{FollowId, HostId, Pool, PoolId};
use crate::snapshot::{Pick, ZoneId};
use crate::zone::{Name, Rrset, Rtype, Zone};

/// One complete setup; a reload replaces it as a whole.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The zones, in the order of the config.
    pub zones: Table<ZoneId, ZoneSetup>,
    /// The targets; each is probed once, however many members share it.
    pub targets: Table<TargetId, TargetSetup>,
    /// The pools: services, pairs of services, tiers of addresses, aliases.
    pub pools: Table<PoolId, PoolSetup>,
    /// The in-zone hosts of SRV members, and of those behind aliases, whose A and AAAA sets follow health.
    pub hosts: Table<HostId, HostSetup>,
    /// The names whose A and AAAA sets follow a service (`follows`).
    pub follows: Table<FollowId, FollowSetup>,
    /// The targets that are witnesses by config (`references`); they belong to no pool.
    pub references: Vec<TargetId>,
    /// The names under which states may be posted (checks of kind `push`).
    pub posts: BTreeSet<String>,
}

impl Setup {
    /// Returns the declared set of a fill whose zone another server judges; nothing if this one does.
    pub fn judged_upstream(&self, fill: &Fill) -> Option<&Arc<Rrset>> {
        let zone = &self.zones[fill.zone];
        zone.zone.as_ref().filter(|_| zone.is_judged_upstream)?.rrset(&fill.owner, fill.rtype)
    }
}

/// One zone.
#[derive(Clone, Debug)]
pub struct ZoneSetup {
    /// The origin.
    pub origin: Name,
    /// The zone as declared; nothing if it is broken: then it is answered SERVFAIL.
    pub zone: Option<Arc<Zone>>,
    /// Whether it is served as declared whatever health says: another server judges it, as it is the spare of that one.
    pub is_judged_upstream: bool,
}

impl ZoneSetup {
    /// Returns the origin of a zone that came signed. Nothing in it can follow health: other records than those declared
    /// have no signature, and validating resolvers refuse them.
    pub fn signed(&self) -> Option<&Name> {
        self.zone.as_ref().filter(|zone| zone.is_signed()).map(|_| &self.origin)
    }
}

/// One target.
#[derive(Clone, Debug)]
pub struct TargetSetup {
    /// What it is, over reloads and restarts.
    pub key: TargetKey,
    /// Its thresholds and cadence; targets of one plan share them.
    pub settings: Arc<health::Settings>,
    /// Why it may not be probed (`probe-allow`, `probe-deny`); then it stays unknown.
    pub barrier: Option<&'static str>,
    /// Whether a connection is held open to it (`watch`), whose end has it probed at once.
    pub watched: bool,
}

impl TargetSetup {
    /// Returns whether it may be probed.
    pub const fn is_probed(&self) -> bool {
        self.barrier.is_none()
    }
}

/// A target's identity. Targets equal but for `parameters` keep their health over a reload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The transport as in `udp`, `tcp`, `tls`; [`health::NO_TRANSPORT`] if it bears no witness.
    pub transport: &'static str,
    /// The check's kind as in `tcp`, `tls`, `sip`.
    pub kind: &'static str,
    /// The check's other parameters in a canonical text; empty if it has none.
    pub parameters: String,
}

/// One pool and what it fills.
#[derive(Clone, Debug)]
pub struct PoolSetup {
    /// Its name in output and state: the service's owner name (both of a pair, joined by `+`), or the name of the addresses or
    /// the alias.
    pub name: String,
    /// What policy sees.
    pub pool: Pool,
    /// For each member of the pool, in the same order, what lies behind it.
    pub members: Vec<MemberSetup>,
    /// What the pool fills: one set for each half of a service (index = half), the address sets of one name, or an alias.
    pub fills: Vec<Fill>,
    /// How much of what is listed one answer holds, drawn by the weights; nothing: all of it.
    pub pick: Option<Pick>,
}

/// What lies behind one member.
#[derive(Clone, Debug)]
pub struct MemberSetup {
    /// For people: `sip-node1.example.com:5060`, the address, or the name that the alias leads to.
    pub label: String,
    /// Its targets, one for each address; none if it is unprobed by design, or while its host has no known address.
    pub targets: Vec<TargetId>,
    /// Whether it is unprobed by design (`none` as check, `--static`): then it counts as proven.
    pub unprobed: bool,
    /// Whether its host is known to have no address, or is `.`: then it is down.
    pub nowhere: bool,
    /// What the record says beyond priority and weight.
    pub data: MemberData,
}

/// What a member's record says beyond priority and weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberData {
    /// An SRV record.
    Srv {
        /// The port.
        port: u16,
        /// The host.
        host: Name,
    },
    /// An A or AAAA record.
    Address(IpAddr),
    /// A CNAME record: the name that the alias leads to.
    Alias(Name),
}

impl MemberData {
    /// Returns the host that the record names, if it names one.
    pub const fn host(&self) -> Option<&Name> {
        match self {
            Self::Srv { host, .. } | Self::Alias(host) => Some(host),
            Self::Address(_) => None,
        }
    }
}

/// Which RRset a pool fills. A pool of addresses has one fill for A and one for AAAA, if it has members of that kind.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The zone.
    pub zone: ZoneId,
    /// The owner name, as written in the zone.
    pub owner: Name,
    /// SRV, A, AAAA or CNAME.
    pub rtype: Rtype,
    /// The declared TTL.
    pub ttl: u32,
}

/// A host in one of the zones.
#[derive(Clone, Debug)]
pub struct HostSetup {
    /// Where its sets are; one fill for each of A and AAAA that is declared.
    pub fills: Vec<Fill>,
    /// Its declared addresses, with the targets on each.
    pub addresses: Vec<(IpAddr, Vec<TargetId>)>,
    /// The pools whose settings rule its TTL: all with a member on it. The shortest wins.
    pub pools: Vec<PoolId>,
}

/// A name that follows a service.
#[derive(Clone, Debug)]
pub struct FollowSetup {
    /// Where its sets are; one fill for each of A and AAAA that is declared.
    pub fills: Vec<Fill>,
    /// Its own declared addresses: served when the service has none for it, at last resort and all down.
    pub addresses: Vec<IpAddr>,
    /// The service.
    pub pool: PoolId,
}

impl PoolSetup {
    /// Finds a member of another setup by what it was: of several alike one that declares the same priority.
    pub(super) fn find(&self, label: &str, half: u8, declared: u16) -> Option<usize> {
        let members = || self.members.iter().zip(&self.pool.members).enumerate();
        let mut alike = members().filter(|(_, (row, member))| row.label == label && member.half == half);
        let first = alike.next()?;
        let same = std::iter::once(first).chain(alike).find(|(_, (_, member))| member.priority == declared);
        Some(same.map_or(first.0, |(place, _)| place))
    }

    /// Walks over the targets of all members; a shared one comes more than once.
    pub fn targets(&self) -> impl Iterator<Item = &TargetId> {
        self.members.iter().flat_map(|member| &member.targets)
    }

    /// Returns whether `name`, with or without its final dot and in any case, names this pool or one half of it.
    pub fn is_named(&self, name: &str) -> bool {
        let same = |own: &str| own.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'));
        same(&self.name) || self.name.split('+').any(same)
    }
}

impl MemberSetup {
    /// Returns the port that the record names; 0 for an address and an alias.
    pub(super) const fn port(&self) -> u16 {
        match self.data {
            MemberData::Srv { port, .. } => port,
            MemberData::Address(_) | MemberData::Alias(_) => 0,
        }
    }

    /// Returns the address that the record is, if it is one.
    pub(super) const fn address(&self) -> Option<IpAddr> {
        match self.data {
            MemberData::Srv { .. } | MemberData::Alias(_) => None,
            MemberData::Address(address) => Some(address),
        }
    }
}

impl HostSetup {
    /// Returns whether `member` points at this host.
    pub fn is_host_of(&self, member: &MemberSetup) -> bool {
        member.data.host().is_some_and(|host| self.fills.first().is_some_and(|fill| fill.owner == *host))
    }
}

impl TargetKey {
    /// Prints the key as `Display` does, into a text that need not grow.
    pub fn print(&self) -> String {
        let mut printed = String::with_capacity(self.kind.len() + self.transport.len() + self.parameters.len() + PLACE);
        write!(printed, "{self}").expect("a string takes all that is written");
        printed
    }

    /// Returns whether its answers prove that the network is there.
    pub(super) fn bears_witness(&self) -> bool {
        self.transport != health::NO_TRANSPORT
    }

    /// Returns what witnesses count of it.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.endpoint_of(self.stable_id())
    }

    /// Returns the same where the stable number is known already.
    pub(super) fn endpoint_of(&self, number: u64) -> Endpoint {
        Endpoint { number, address: self.address.to_canonical(), transport: self.transport }
    }

    /// Returns a number that stands for this identity: the same over restarts, releases and machines.
    pub fn stable_id(&self) -> u64 {
        let address = match self.address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        StableHash::new(STABLE_ID_KEY)
            .octets(&address.octets())
            .number(self.port.into())
            .octets(self.transport.as_bytes())
            .octets(self.kind.as_bytes())
            .octets(self.parameters.as_bytes())
            .finish()
    }
}

impl fmt::Display for TargetKey {
    /// Prints `tls 192.0.2.1:5061 example.com`: kind, transport if it is not implied, address and port, parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        if self.transport != self.kind {
            write!(f, "+{}", self.transport)?;
        }
        write!(f, " {}", std::net::SocketAddr::new(self.address, self.port))?;
        if !self.parameters.is_empty() {
            write!(f, " {}", self.parameters)?;
        }
        Ok(())
    }
}

/// The longest address and port as printed, with what stands between the parts of a key.
const PLACE: usize = "+ [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535 ".len();
/// The key of targets' stable numbers; another one gives every target another number.
const STABLE_ID_KEY: &[u8; 16] = b"understudytarget";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_the_same_number_for_ever() {
        let key = |address: &str, parameters: &str| TargetKey {
            address: address.parse().unwrap(),
            port: 5060,
            transport: "tcp",
            kind: "sip",
            parameters: parameters.to_owned(),
        };
        assert_eq!(key("127.0.0.11", "domain=example.com").stable_id(), 0xefb8_514e_586a_7211);
        assert_eq!(key("::1", "").stable_id(), 0x4b2a_ec7c_c172_7d23);
    }
}

//! Addresses of hosts that SRV records name: whether a client elsewhere can reach them.

use std::net::IpAddr;

use super::rule::Rule;
use super::survey::Survey;
use super::tree::Fate;
use crate::base::finding::{Finding, Severity};
use crate::base::scope::Scope;
use crate::zone::{Name, Rtype};

/// Looks at each address of each host.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    let mut documentation = Vec::new();
    for host in &survey.hosts {
        let Fate::Addresses { owner, .. } = survey.fate_here(&host.name) else { continue };
        for (rtype, record, address) in addresses(survey, &owner) {
            let (rule, word) = match Scope::of(address) {
                Scope::Public => continue,
                Scope::Documentation => {
                    documentation.push((survey.at_field(&owner, rtype, record, 0), owner.clone()));
                    continue;
                }
                Scope::Loopback | Scope::Private if survey.options.allow_private => continue,
                Scope::Unusable => (&UNUSABLE, "no host's address"),
                Scope::Loopback => (&LOOPBACK, "a loopback address"),
                Scope::LinkLocal => (&LINK_LOCAL, "a link-local address"),
                Scope::Metadata => (&LINK_LOCAL, "the address of a cloud's metadata"),
                Scope::Private => (&PRIVATE, "a private address"),
            };
            let message = format!("{owner} is the target of an SRV record and has {word}, {address}");
            findings.push(rule.found(message, &[("host", &owner)]).at(survey.at_field(&owner, rtype, record, 0)));
        }
    }
    let count = documentation.len();
    if let Some((at, owner)) = documentation.into_iter().min_by_key(|(at, _)| at.as_ref().map(|at| at.line)) {
        let message = match count {
            1 => format!("{owner} has an address that is reserved for documentation"),
            _ => format!("{count} addresses of hosts are reserved for documentation, such as that of {owner}"),
        };
        findings.push(DOCUMENTATION.found(message, &[("host", &owner)]).at(at));
    }
}

/// Walks over the addresses at an owner name, with type and place in the set.
pub(super) fn addresses(survey: &Survey<'_>, owner: &Name) -> Vec<(Rtype, usize, IpAddr)> {
    let read = |rdata: &[u8]| match rdata.len() {
        4 => <[u8; 4]>::try_from(rdata).ok().map(|octets| IpAddr::V4(octets.into())),
        _ => <[u8; 16]>::try_from(rdata).ok().map(|octets| IpAddr::V6(octets.into())),
    };
    let set = |rtype| survey.rrset(owner, rtype).map(|set| (rtype, set));
    [set(Rtype::A), set(Rtype::AAAA)]
        .into_iter()
        .flatten()
        .flat_map(|(rtype, set)| set.rdatas().enumerate().filter_map(move |(i, rdata)| Some((rtype, i, read(rdata)?))))
        .collect()
}

pub(super) const UNUSABLE: Rule = Rule {
    id: "address-unusable",
    severity: Severity::Error,
    finds: "a host with an unspecified, multicast, broadcast, reserved or IPv4-mapped address",
    why: "no client can connect to it, and it is never probed",
    help: "write the address on which the server listens",
    see: "dig +short A {host}",
    wrong: "sip-node1  300 IN A 0.0.0.0",
    right: "sip-node1  300 IN A 192.0.2.10",
};

pub(super) const LOOPBACK: Rule = Rule {
    id: "address-loopback",
    severity: Severity::Warning,
    finds: "a host with a loopback address",
    why: "every client connects to its own machine",
    help: "write the server's address as the clients see it; in a lab, set `private-addresses = true` in [lint]",
    see: "dig +short A {host}",
    wrong: "sip-node1  300 IN A 127.0.0.1",
    right: "sip-node1  300 IN A 192.0.2.10",
};

pub(super) const LINK_LOCAL: Rule = Rule {
    id: "address-link-local",
    severity: Severity::Warning,
    finds: "a host with a link-local address",
    why: "it means another machine on each link, and nothing without the name of an interface; it is not tested",
    help: "write an address that is routed",
    see: "dig +short AAAA {host}",
    wrong: "sip-node1  300 IN AAAA fe80::10",
    right: "sip-node1  300 IN AAAA 2001:db8::10",
};

pub(super) const PRIVATE: Rule = Rule {
    id: "address-private",
    severity: Severity::Warning,
    finds: "a host with a private address",
    why: "connections from outside of your own network fail",
    help: "write the public address; in a zone for the inside, set `private-addresses = true` in [lint]",
    see: "dig +short A {host}",
    wrong: "sip-node1  300 IN A 10.0.0.10",
    right: "sip-node1  300 IN A 192.0.2.10",
};

pub(super) const DOCUMENTATION: Rule = Rule {
    id: "address-documentation",
    severity: Severity::Note,
    finds: "a host with an address that is reserved for documentation",
    why: "nobody is there (RFC 5737, RFC 3849): it is never probed unless the config allows it, and always taken as up",
    help: "write the server's own address before you go into service",
    see: "dig +short A {host}",
    wrong: "sip-node1  300 IN A 192.0.2.10",
    right: "sip-node1  300 IN A … ; the address of your server",
};

//! The zone itself: name servers, mail hosts, timers, and records that can never be served.

use super::address::addresses;
use super::rule::Rule;
use super::survey::Survey;
use super::tree::Fate;
use crate::base::finding::{Finding, Severity};
use crate::zone::serial::Soa;
use crate::zone::{Name, Rrset, Rtype};

/// Looks at everything that is no service.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    let origin = survey.zone.origin();
    // A zone without any is refused by the parser.
    if survey.rrset(origin, Rtype::NS).is_some_and(|set| set.len() == 1) {
        let at = survey.at_owner(origin, Rtype::NS, 0);
        findings.push(NS_SINGLE.found(format!("{origin} names one name server only"), &[("zone", origin)]).at(at));
    }
    for (owner, set) in survey.zone.sets().filter(|(_, set)| matches!(set.rtype(), Rtype::NS | Rtype::MX)) {
        goals(survey, owner, set, findings);
    }
    occluded(survey, findings);
    timers(survey, findings);
}

/// Looks at the hosts that NS or MX records name.
fn goals(survey: &Survey<'_>, owner: &Name, set: &Rrset, findings: &mut Vec<Finding>) {
    let rtype = set.rtype();
    let (skip, field, cname, no_address) =
        if rtype == Rtype::MX { (2, 1, &MX_CNAME, &MX_NO_ADDRESS) } else { (0, 0, &NS_CNAME, &NS_NO_ADDRESS) };
    for (record, rdata) in set.rdatas().enumerate() {
        let Some(host) = rdata.get(skip..).and_then(|wire| Name::from_wire(wire).ok()) else { continue };
        let (rule, message) = match survey.fate(&host) {
            // RFC 7505: an MX of "." says that there is no mail.
            _ if host.is_root() => continue,
            Fate::Alias(_) | Fate::Dname(_) => (cname, format!("{host}, named by an {rtype} record, is an alias")),
            Fate::Nothing => (no_address, format!("{host}, named by an {rtype} record, has no A or AAAA record")),
            // Addresses below a delegation are glue, and in the parent's hands.
            Fate::Outside => continue,
            Fate::Addresses { owner: at, .. } => {
                let loopback = addresses(survey, &at).into_iter().find(|(_, _, address)| address.is_loopback());
                let Some((_, _, address)) = loopback.filter(|_| rtype == Rtype::NS && !survey.options.allow_private)
                else {
                    continue;
                };
                (&NS_LOOPBACK, format!("the name server {host} has a loopback address, {address}"))
            }
        };
        findings.push(rule.found(message, &[("host", &host)]).at(survey.at_field(owner, rtype, record, field)));
    }
}

/// Finds services below a delegation or a DNAME.
fn occluded(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for set in &survey.sets {
        if let Some((above, rtype)) = survey.cover(set.owner) {
            let message = format!("{} lies below the {rtype} record at {above} and is never answered", set.owner);
            let at = survey.at_owner(set.owner, Rtype::SRV, 0);
            findings.push(OCCLUDED.found(message, &[("owner", set.owner)]).at(at));
        }
    }
}

fn timers(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    let Some(soa) = survey.zone.soa().rdatas().next().and_then(Soa::read) else { return };
    let origin = survey.zone.origin();
    let (message, field) = if soa.retry >= soa.refresh {
        (format!("the SOA's retry ({}) is not below its refresh ({})", soa.retry, soa.refresh), RETRY)
    } else if soa.expire <= soa.refresh.saturating_add(soa.retry) {
        (format!("the SOA's expire ({}) is not above refresh plus retry", soa.expire), EXPIRE)
    } else {
        return;
    };
    findings.push(SOA_TIMERS.found(message, &[("zone", origin)]).at(survey.at_field(origin, Rtype::SOA, 0, field)));
}

/// The fields of SOA data.
const RETRY: usize = 4;
/// See [`RETRY`].
const EXPIRE: usize = 5;

pub(super) const NS_SINGLE: Rule = Rule {
    id: "ns-single",
    severity: Severity::Warning,
    finds: "a zone with one NS record only",
    why: "when this server is away, nothing fails over any more: the names themselves are gone (RFC 1034 §4.1 wants two)",
    help: "serve the zone from a second machine too",
    see: "dig NS {zone} +short",
    wrong: "@  IN NS ns1",
    right: "@  IN NS ns1\n@  IN NS ns2",
};

pub(super) const NS_CNAME: Rule = Rule {
    id: "ns-target-cname",
    severity: Severity::Error,
    finds: "an NS record that names an alias",
    why: "a name server must not be an alias (RFC 2181 §10.3): resolvers ignore it",
    help: "name the host that owns the addresses",
    see: "dig +short A {host}",
    wrong: "@    IN NS ns1\nns1  IN CNAME server",
    right: "@    IN NS ns1\nns1  IN A 192.0.2.53",
};

pub(super) const NS_NO_ADDRESS: Rule = Rule {
    id: "ns-target-no-address",
    severity: Severity::Error,
    finds: "an NS record that names a host in the zone without address",
    why: "resolvers cannot reach the server",
    help: "add an A or AAAA record, or the final dot if the name is a full one",
    see: "dig +short A {host}",
    wrong: "@    IN NS ns1",
    right: "@    IN NS ns1\nns1  IN A 192.0.2.53",
};

pub(super) const NS_LOOPBACK: Rule = Rule {
    id: "ns-address-loopback",
    severity: Severity::Warning,
    finds: "a name server with a loopback address",
    why: "every resolver asks its own machine",
    help: "write the server's address as the resolvers see it; in a lab, set `private-addresses = true` in [lint]",
    see: "dig +short A {host}",
    wrong: "@    IN NS ns1\nns1  IN A 127.0.0.1",
    right: "@    IN NS ns1\nns1  IN A 192.0.2.53",
};

pub(super) const MX_CNAME: Rule = Rule {
    id: "mx-target-cname",
    severity: Severity::Error,
    finds: "an MX record that names an alias",
    why: "a mail host must not be an alias (RFC 5321 §5.1): some senders refuse it",
    help: "name the host that owns the addresses",
    see: "dig +short A {host}",
    wrong: "@     IN MX 10 mail\nmail  IN CNAME server",
    right: "@     IN MX 10 mail\nmail  IN A 192.0.2.25",
};

pub(super) const MX_NO_ADDRESS: Rule = Rule {
    id: "mx-target-no-address",
    severity: Severity::Error,
    finds: "an MX record that names a host in the zone without address",
    why: "mail waits in the sender's queue, and comes back",
    help: "add an A or AAAA record, or the final dot if the name is a full one",
    see: "dig +short A {host}",
    wrong: "@     IN MX 10 mail.example.com",
    right: "@     IN MX 10 mail.example.com.\nmail  IN A 192.0.2.25",
};

pub(super) const OCCLUDED: Rule = Rule {
    id: "srv-occluded",
    severity: Severity::Warning,
    finds: "a service below a delegation or a DNAME",
    why: "another server answers for this name, so that the records here are never seen",
    help: "move the records into the zone that answers, or remove the delegation",
    see: "dig +trace SRV {owner}",
    wrong: "voice            IN NS  ns1.example.net.\n_sip._tcp.voice  IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp.voice  IN SRV 10 70 5060 sip-node1",
};

pub(super) const SOA_TIMERS: Rule = Rule {
    id: "soa-timers",
    severity: Severity::Warning,
    finds: "SOA timers that contradict each other: retry not below refresh, or expire not above both",
    why: "secondaries drop the zone after one missed refresh, or never try again in time",
    help: "refresh 3600, retry 600, expire 604800 serve well",
    see: "dig SOA {zone} +short",
    wrong: "@  IN SOA ns1 hostmaster 1 3600 7200 604800 30",
    right: "@  IN SOA ns1 hostmaster 1 3600 600 604800 30",
};

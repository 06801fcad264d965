//! Owner names of SRV records: underscores, protocol and service labels, doubled origins.

use super::catalogue::{self, PROTOS};
use super::rule::Rule;
use super::survey::{Service, SrvSet, Survey};
use crate::base::finding::{Finding, Severity};
use crate::base::nearest::nearest;
use crate::zone::{Name, Rtype, name};

/// Looks at the names of services.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for set in &survey.sets {
        // Below a wildcard every service is meant, so that no label can be wrong.
        if set.owner.is_wildcard() {
            findings.push(wildcard(set.owner).at(survey.at_owner(set.owner, Rtype::SRV, 0)));
            continue;
        }
        if undoubled(set.owner, survey.zone.origin()).is_some() {
            continue;
        }
        let finding = match &set.service {
            Some(service) => labels(set.owner, service),
            None if is_instance(survey, set.owner) => None,
            None => Some(form(set)),
        };
        findings.extend(finding.map(|finding| finding.at(survey.at_owner(set.owner, Rtype::SRV, 0))));
    }
    for (owner, sets) in survey.zone.nodes() {
        let Some(first) = sets.first() else { continue };
        let at = || survey.at_owner(owner, first.rtype(), 0);
        if let Some(meant) = undoubled(owner, survey.zone.origin()) {
            let message = format!("the name {owner} bears the zone's name twice");
            let help = format!("write {meant} with its final dot, or {} without", below(&meant, survey.zone.origin()));
            findings.push(DOUBLED.found(message, &[("owner", owner)]).help(help).at(at()));
        } else if first.rtype() == Rtype::CNAME && is_known(owner) {
            let message = format!("{owner} is an alias (CNAME)");
            findings.push(ALIAS.found(message, &[("owner", owner)]).at(at()));
        }
    }
}

/// Returns the name that was meant if `name` ends in the origin twice: the final dot was lost.
pub(super) fn undoubled(name: &Name, origin: &Name) -> Option<Name> {
    if origin.is_root() || name == origin {
        return None;
    }
    let mut wire = name::suffix(name.wire(), origin.wire())?.to_vec();
    wire.push(0);
    Name::from_wire(&wire).ok().filter(|meant| meant.is_within(origin))
}

/// Prints `name` relative to `origin`, as one writes it in the zone.
pub(super) fn below(name: &Name, origin: &Name) -> String {
    if name == origin {
        return "@".to_owned();
    }
    let full = name.to_string();
    if origin.is_root() {
        return full;
    }
    let cut = full.len().checked_sub(origin.to_string().len() + 1);
    cut.filter(|_| name.is_within(origin)).and_then(|cut| full.get(..cut)).map_or_else(|| full.clone(), str::to_owned)
}

/// Looks at an owner of the right form.
fn labels(owner: &Name, service: &Service) -> Option<Finding> {
    let (label, proto) = (service.label.as_str(), service.proto.as_str());
    let found = |rule: &Rule, message: String, fix: String| {
        Some(rule.found(message, &[("owner", owner)]).help(format!("write {fix}")))
    };
    if PROTOS.contains(&label) && !PROTOS.contains(&proto) {
        let message = format!("{label} stands before {proto}: the service comes first, then the protocol");
        return found(&TRANSPOSED, message, format!("{proto}.{label}.{}", service.domain));
    }
    if !PROTOS.contains(&proto) {
        let meant = nearest(proto, PROTOS.iter().copied(), 1).or_else(|| meant_proto(label, proto));
        let fix = meant.map_or_else(
            || "_tcp, _udp or _tls as the second label".to_owned(),
            |proto| format!("{label}.{proto}.{}", service.domain),
        );
        return found(&PROTO, format!("{proto} is no protocol label"), fix);
    }
    if label == "_jabber" {
        return found(
            &OBSOLETE,
            format!("{label}.{proto} is the old name of _xmpp-server._tcp"),
            format!("_xmpp-server._tcp.{}", service.domain),
        );
    }
    if catalogue::protos(label).next().is_some() {
        if catalogue::known(label, proto).is_some() {
            return None;
        }
        let usual = usual_name(label, proto);
        return found(&PAIRING, format!("no client asks for {label}.{proto}"), format!("{usual}.{}", service.domain));
    }
    let meant = catalogue::meant(label).or_else(|| (label == "_xmpp").then_some("_xmpp-client"))?;
    let message = format!("{label} is not a known service; {meant} is");
    found(&SERVICE, message, format!("{meant}.{proto}.{}", service.domain))
}

/// Says what is tested of services that are not named.
fn wildcard(owner: &Name) -> Finding {
    let tcp = owner.labels().nth(1).is_some_and(|label| label.eq_ignore_ascii_case(b"_tcp"));
    let how = if tcp { "whether the port takes connections" } else { "nothing" };
    let message = format!("{owner} stands for every service that is not named; tested is {how}");
    WILDCARD.found(message, &[("owner", owner)])
}

/// Returns whether a name is that of an instance of DNS-SD (RFC 6763 §4.1), `Name._service._proto.domain`: a PTR record at
/// the service leads to it, or a TXT record stands beside it (§6).
fn is_instance(survey: &Survey<'_>, owner: &Name) -> bool {
    let Some(service) = owner.parent().filter(|parent| Service::of(parent).is_some()) else { return false };
    survey.rrset(owner, Rtype::TXT).is_some() || survey.rrset(&service, Rtype::PTR).is_some()
}

/// Looks at an owner without the form `_service._proto`.
fn form(set: &SrvSet<'_>) -> Finding {
    let owner = set.owner;
    let mut labels = owner.labels().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase());
    let (first, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let domain = owner.parent().and_then(|parent| parent.parent());
    let underscored = |label: &str| format!("_{}", label.trim_start_matches('_'));
    let (service, proto) = (underscored(&first), underscored(&second));
    match domain {
        Some(domain)
            if PROTOS.contains(&proto.as_str())
                || (catalogue::known(&service, "_tcp").is_some() && second.starts_with('_')) =>
        {
            let missing = if first.starts_with('_') { second } else { first };
            let message = format!("{missing} in {owner} lacks its underscore");
            UNDERSCORE.found(message, &[("owner", owner)]).help(format!("write {service}.{proto}.{domain}"))
        }
        Some(_) | None => PLAIN.found(format!("{owner} names no service"), &[("owner", owner)]),
    }
}

/// Returns the protocol label that people mean who write another word for it.
fn meant_proto(label: &str, proto: &str) -> Option<&'static str> {
    let secure = ["_ssl", "_tcps", "_tlsv1", "_sip", "_sips"].contains(&proto);
    match (label, secure) {
        ("_sip", true) => Some("_tls"),
        (_, true) => Some("_tcp"),
        (_, false) => None,
    }
}

/// Returns the name under which clients look for a service that was paired with the wrong protocol.
fn usual_name(label: &str, proto: &str) -> String {
    let secure = match (label, proto) {
        ("_sips", "_tls") => return "_sip._tls".to_owned(),
        ("_stun", "_tls") => Some("_stuns"),
        ("_turn", "_tls") => Some("_turns"),
        ("_xmpp-client", "_tls") => Some("_xmpps-client"),
        ("_xmpp-server", "_tls") => Some("_xmpps-server"),
        _ => None,
    };
    let label = secure.unwrap_or(label);
    let proto = catalogue::protos(label).next().map_or("_tcp", |known| known.proto);
    format!("{label}.{proto}")
}

fn is_known(owner: &Name) -> bool {
    Service::of(owner).is_some_and(|service| catalogue::known(&service.label, &service.proto).is_some())
}

pub(super) const WILDCARD: Rule = Rule {
    id: "srv-owner-wildcard",
    severity: Severity::Note,
    finds: "SRV records at a wildcard",
    why: "a wildcard tells no service, so that the servers are not tested as its clients would ask; and a service that does not exist is answered too",
    help: "name the services; or say in the config how this one is tested: [[service]] with match and check",
    see: "dig SRV {owner}",
    wrong: "*._tcp      300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp   300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const UNDERSCORE: Rule = Rule {
    id: "srv-owner-underscore",
    severity: Severity::Error,
    finds: "a service or protocol label without its underscore",
    why: "clients ask for _service._proto only (RFC 2782): this record is never found, and they fall back to the domain's A and AAAA records",
    help: "put an underscore before the service and before the protocol",
    see: "nslookup -type=SRV {owner}",
    wrong: "sip._tcp    300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp   300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const TRANSPOSED: Rule = Rule {
    id: "srv-owner-transposed",
    severity: Severity::Error,
    finds: "the protocol label before the service label",
    why: "clients ask for _service._proto in this order (RFC 2782): this record is never found",
    help: "write the service first, then the protocol",
    see: "dig SRV {owner}",
    wrong: "_tcp._sip   300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp   300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const PROTO: Rule = Rule {
    id: "srv-owner-proto",
    severity: Severity::Error,
    finds: "a second label that is no protocol",
    why: "clients ask with _tcp, _udp or another protocol label; with a misspelled one this record is never found",
    help: "write _tcp, _udp or _tls as the second label",
    see: "nslookup -type=SRV {owner}",
    wrong: "_sip._tpc   300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp   300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const SERVICE: Rule = Rule {
    id: "srv-owner-service",
    severity: Severity::Warning,
    finds: "a service label that looks like a misspelled one",
    why: "clients of the known service never find it, and fall back to the domain's A and AAAA records",
    help: "write the known label; a service of your own wants a label less like it",
    see: "host -t SRV {owner}",
    wrong: "_xmpp-clinet._tcp 300 IN SRV 5 0 5222 xmpp",
    right: "_xmpp-client._tcp 300 IN SRV 5 0 5222 xmpp",
};

pub(super) const PAIRING: Rule = Rule {
    id: "srv-owner-pairing",
    severity: Severity::Error,
    finds: "a known service with a protocol that it is never looked up with",
    why: "clients of this service ask with other protocol labels: this record is never found",
    help: "write the protocol that its clients ask with",
    see: "dig SRV {owner}",
    wrong: "_sips._tls  300 IN SRV 10 100 5061 sip-node1",
    right: "_sip._tls   300 IN SRV 10 100 5061 sip-node1",
};

pub(super) const PLAIN: Rule = Rule {
    id: "srv-owner-plain",
    severity: Severity::Warning,
    finds: "an SRV record at a name without service and protocol",
    why: "clients find SRV records at _service._proto.domain only (RFC 2782)",
    help: "put the service and the protocol before the domain, such as _sip._tcp",
    see: "dig SRV {owner}",
    wrong: "voice       300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp   300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const OBSOLETE: Rule = Rule {
    id: "srv-owner-obsolete",
    severity: Severity::Note,
    finds: "a service label that was replaced long ago",
    why: "no server of today asks for it; RFC 6120 knows _xmpp-server only",
    help: "publish _xmpp-server._tcp instead",
    see: "dig SRV {owner}",
    wrong: "_jabber._tcp      300 IN SRV 5 0 5269 xmpp",
    right: "_xmpp-server._tcp 300 IN SRV 5 0 5269 xmpp",
};

pub(super) const ALIAS: Rule = Rule {
    id: "srv-owner-cname",
    severity: Severity::Warning,
    finds: "a service name that is an alias (CNAME)",
    why: "the records stand elsewhere: there is no set here that could follow health, so it is served as declared",
    help: "put the SRV records here",
    see: "dig SRV {owner}",
    wrong: "_sip._tcp   300 IN CNAME _sip._tcp.provider.example.",
    right: "_sip._tcp   300 IN SRV 10 70 5060 sip-node1",
};

pub(super) const DOUBLED: Rule = Rule {
    id: "origin-doubled",
    severity: Severity::Error,
    finds: "an owner name that bears the zone's name twice",
    why: "a name without a final dot is relative: the zone's name was put behind it once more, and nobody asks for the result",
    help: "end the full name with a dot",
    see: "dig SRV {owner}",
    wrong: "_sip._tcp.example.com  300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp.example.com. 300 IN SRV 10 70 5060 sip-node1",
};

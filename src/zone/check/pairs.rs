//! Services that belong together: TLS beside plain, direct TLS beside STARTTLS, UDP beside TCP.

use super::catalogue;
use super::owner::undoubled;
use super::rule::Rule;
use super::survey::{Service, SrvSet, Survey};
use super::tree::Fate;
use crate::base::finding::{Finding, Severity};
use crate::zone::{Name, Rtype};

/// Looks at each service's sisters.
pub(super) fn check(survey: &Survey<'_>, findings: &mut Vec<Finding>) {
    for set in &survey.sets {
        let Some(service) = &set.service else { continue };
        // A service that is declared closed, or stands at a wrong name, needs no sister.
        if set.members.is_empty() || undoubled(set.owner, survey.zone.origin()).is_some() {
            continue;
        }
        findings
            .extend(sister(survey, set, service).map(|finding| finding.at(survey.at_owner(set.owner, Rtype::SRV, 0))));
    }
    for (owner, _) in survey.zone.sets_of(Rtype::TXT) {
        if owner.labels().next().is_some_and(|label| label.eq_ignore_ascii_case(b"_xmppconnect")) {
            let message = format!("{owner} advertises web transports by TXT");
            findings.push(CONNECT_TXT.found(message, &[("owner", owner)]).at(survey.at_owner(owner, Rtype::TXT, 0)));
        }
    }
}

fn sister(survey: &Survey<'_>, set: &SrvSet<'_>, service: &Service) -> Option<Finding> {
    let domain = &service.domain;
    // Where the sister's name lies outside of the zone, nobody can say that it lacks.
    let lacks = |label: &str, proto: &str| survey.has(domain, label, proto) == Some(false);
    let has = |label: &str, proto: &str| survey.has(domain, label, proto) == Some(true);
    let finding = |rule: &Rule, missing: &str| {
        let message = format!("{domain} has {}.{} but no {missing}", service.label, service.proto);
        let reachable = |host: &&Name| matches!(survey.fate(host), Fate::Addresses { .. });
        let host = set.members.iter().map(|member| &member.host).find(reachable).unwrap_or(domain);
        Some(rule.found(message, &[("owner", set.owner), ("domain", domain), ("host", host)]))
    };
    match (service.label.as_str(), service.proto.as_str()) {
        ("_sip", "_udp") if has("_sip", "_tcp") => None,
        ("_sip", "_tcp" | "_udp") if lacks("_sip", "_tls") && !has("_sips", "_tcp") => {
            finding(&SIP_WITHOUT_TLS, "_sip._tls")
        }
        ("_sips", "_tcp") if has("_sip", "_tls") => None,
        ("_sip", "_tls") | ("_sips", "_tcp") if lacks("_sip", "_tcp") && !has("_sip", "_udp") => {
            finding(&SIP_TLS_ONLY, "_sip._tcp and no _sip._udp")
        }
        ("_xmpps-client", "_tcp") if lacks("_xmpp-client", "_tcp") => finding(&XMPPS_ALONE, "_xmpp-client._tcp"),
        ("_xmpps-server", "_tcp") if lacks("_xmpp-server", "_tcp") => finding(&XMPPS_ALONE, "_xmpp-server._tcp"),
        ("_xmpp-client", "_tcp") => xmpp_client(survey, set, service),
        ("_xmpp-server", "_tcp") => xmpp_server(survey, set, service),
        ("_stun" | "_turn", "_tcp") if lacks(&service.label, "_udp") => {
            finding(&RELAY_WITHOUT_UDP, &format!("{}._udp", service.label))
        }
        ("_stun" | "_turn", "_udp") if lacks(&format!("{}s", service.label), "_tcp") => {
            finding(&RELAY_WITHOUT_TLS, &format!("{}s._tcp", service.label))
        }
        ("_stuns" | "_turns", _) => {
            let plain = service.label.trim_end_matches('s');
            let lonely = lacks(plain, "_udp") && !has(plain, "_tcp");
            lonely.then(|| finding(&RELAY_TLS_ONLY, &format!("{plain}._udp")))?
        }
        (label, _) if is_untested(survey, set) => {
            let message = format!("{} is not tested: no check is known for {label} over UDP", set.owner);
            Some(UNPROBED.found(message, &[("owner", set.owner)]))
        }
        _ => None,
    }
}

/// Returns whether no check is known for a service, so that its sets are served with their declared TTLs. What is offered
/// over TCP too follows that.
pub(super) fn is_untested(survey: &Survey<'_>, set: &SrvSet<'_>) -> bool {
    let over_udp_alone = |service: &Service| {
        service.proto == "_udp"
            && !catalogue::is_probed_over_udp(&service.label)
            && survey.has(&service.domain, &service.label, "_tcp") != Some(true)
    };
    set.service.as_ref().is_some_and(over_udp_alone) && !(survey.options.has_check)(set.owner)
}

fn xmpp_client(survey: &Survey<'_>, set: &SrvSet<'_>, service: &Service) -> Option<Finding> {
    let domain = &service.domain;
    let names: [(&str, &dyn std::fmt::Display); 2] = [("owner", set.owner), ("domain", domain)];
    if let Some(parent) = component_of(survey, domain) {
        let message = format!("{domain} looks like a component of {parent}, where nobody logs in");
        return Some(COMPONENT_CLIENT.found(message, &names));
    }
    if survey.has(domain, "_xmpp-server", "_tcp") == Some(false) {
        let message = format!("{domain} has _xmpp-client._tcp but no _xmpp-server._tcp");
        return Some(CLIENT_WITHOUT_SERVER.found(message, &names));
    }
    (survey.has(domain, "_xmpps-client", "_tcp") == Some(false)).then(|| {
        let message = format!("{domain} has _xmpp-client._tcp but no _xmpps-client._tcp");
        XMPP_WITHOUT_XMPPS.found(message, &names)
    })
}

fn xmpp_server(survey: &Survey<'_>, set: &SrvSet<'_>, service: &Service) -> Option<Finding> {
    let domain = &service.domain;
    let parent = domain.parent()?;
    let is_component = survey.has(&parent, "_xmpp-client", "_tcp") == Some(true);
    let names: [(&str, &dyn std::fmt::Display); 2] = [("owner", set.owner), ("domain", domain)];
    if !is_component && survey.has(domain, "_xmpp-client", "_tcp") == Some(false) {
        let message = format!("{domain} has _xmpp-server._tcp but no _xmpp-client._tcp");
        return Some(SERVER_WITHOUT_CLIENT.found(message, &names));
    }
    (!is_component && survey.has(domain, "_xmpps-server", "_tcp") == Some(false)).then(|| {
        let message = format!("{domain} has _xmpp-server._tcp but no _xmpps-server._tcp");
        SERVER_WITHOUT_TLS.found(message, &names)
    })
}

/// Returns the domain above, if `domain` is named like a component of an XMPP service there.
fn component_of(survey: &Survey<'_>, domain: &Name) -> Option<Name> {
    let first = String::from_utf8_lossy(domain.labels().next()?).to_ascii_lowercase();
    let parent = domain.parent().filter(|_| COMPONENTS.contains(&first.as_str()))?;
    let serves = ["_xmpp-client", "_xmpp-server"].iter().any(|label| survey.has(&parent, label, "_tcp") == Some(true));
    serves.then_some(parent)
}

/// First labels under which servers keep their components by habit.
const COMPONENTS: &[&str] = &[
    "conference",
    "muc",
    "rooms",
    "room",
    "groups",
    "upload",
    "httpupload",
    "proxy",
    "proxy65",
    "pubsub",
    "echo",
    "irc",
    "vjud",
];

pub(super) const SIP_WITHOUT_TLS: Rule = Rule {
    id: "sip-without-tls",
    severity: Severity::Warning,
    finds: "_sip._tcp or _sip._udp without _sip._tls (or _sips._tcp) beside it",
    why: "clients that insist on TLS find nothing and fail to register, while plain ones work",
    help: "add _sip._tls records that name a host which accepts TLS on port 5061",
    see: "openssl s_client -connect {host}:5061 -quiet",
    wrong: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1",
    right: "_sip._tcp  300 IN SRV 10 70 5060 sip-node1\n_sip._tls  300 IN SRV 10 100 5061 sip-node1",
};

pub(super) const SIP_TLS_ONLY: Rule = Rule {
    id: "sip-tls-only",
    severity: Severity::Note,
    finds: "_sip._tls or _sips._tcp without _sip._tcp and _sip._udp",
    why: "clients without TLS find nothing; fine if that is meant",
    help: "add _sip._tcp or _sip._udp if plain clients shall be served",
    see: "dig SRV _sip._tcp.{domain}",
    wrong: "_sip._tls  300 IN SRV 10 100 5061 sip-node1",
    right: "_sip._tls  300 IN SRV 10 100 5061 sip-node1\n_sip._tcp  300 IN SRV 10 100 5060 sip-node1",
};

pub(super) const XMPPS_ALONE: Rule = Rule {
    id: "xmpps-without-xmpp",
    severity: Severity::Warning,
    finds: "direct TLS (_xmpps-client, _xmpps-server) without its STARTTLS sister (_xmpp-client, _xmpp-server)",
    why: "software that does not know XEP-0368 finds nothing and falls back to the domain's own addresses",
    help: "add the sister record on port 5222 or 5269",
    see: "prosodyctl check dns",
    wrong: "_xmpps-client._tcp 300 IN SRV 5 0 5223 xmpp",
    right: "_xmpps-client._tcp 300 IN SRV 5 0 5223 xmpp\n_xmpp-client._tcp  300 IN SRV 5 0 5222 xmpp",
};

pub(super) const XMPP_WITHOUT_XMPPS: Rule = Rule {
    id: "xmpp-without-xmpps",
    severity: Severity::Note,
    finds: "_xmpp-client without _xmpps-client",
    why: "direct TLS (XEP-0368) connects with fewer round trips and passes more firewalls; servers enable it apart",
    help: "add _xmpps-client._tcp on port 5223 if the server listens there",
    see: "dig SRV _xmpps-client._tcp.{domain}",
    wrong: "_xmpp-client._tcp  300 IN SRV 5 0 5222 xmpp",
    right: "_xmpp-client._tcp  300 IN SRV 5 0 5222 xmpp\n_xmpps-client._tcp 300 IN SRV 5 0 5223 xmpp",
};

pub(super) const CLIENT_WITHOUT_SERVER: Rule = Rule {
    id: "xmpp-client-without-server",
    severity: Severity::Note,
    finds: "_xmpp-client without _xmpp-server",
    why: "other servers fall back to port 5269 of the domain's own addresses",
    help: "add _xmpp-server._tcp on port 5269, unless the service is for its own users only",
    see: "nslookup -type=SRV _xmpp-server._tcp.{domain}",
    wrong: "_xmpp-client._tcp  300 IN SRV 5 0 5222 xmpp",
    right: "_xmpp-client._tcp  300 IN SRV 5 0 5222 xmpp\n_xmpp-server._tcp  300 IN SRV 5 0 5269 xmpp",
};

pub(super) const SERVER_WITHOUT_CLIENT: Rule = Rule {
    id: "xmpp-server-without-client",
    severity: Severity::Note,
    finds: "_xmpp-server without _xmpp-client",
    why: "right for a component or a federation gateway; else clients fall back to the domain's own addresses, past your tiers",
    help: "add _xmpp-client._tcp on port 5222 if people log in at this domain",
    see: "dig SRV _xmpp-client._tcp.{domain}",
    wrong: "_xmpp-server._tcp  300 IN SRV 5 0 5269 xmpp",
    right: "_xmpp-server._tcp  300 IN SRV 5 0 5269 xmpp\n_xmpp-client._tcp  300 IN SRV 5 0 5222 xmpp",
};

pub(super) const SERVER_WITHOUT_TLS: Rule = Rule {
    id: "xmpp-server-without-xmpps",
    severity: Severity::Note,
    finds: "_xmpp-server without _xmpps-server",
    why: "direct TLS between servers (XEP-0368) saves round trips, and nobody on the way can take the offer of TLS away; servers enable it apart",
    help: "add _xmpps-server._tcp on port 5270 if the server listens there",
    see: "dig SRV _xmpps-server._tcp.{domain}",
    wrong: "_xmpp-server._tcp  300 IN SRV 5 0 5269 xmpp",
    right: "_xmpp-server._tcp  300 IN SRV 5 0 5269 xmpp\n_xmpps-server._tcp 300 IN SRV 5 0 5270 xmpp",
};

pub(super) const COMPONENT_CLIENT: Rule = Rule {
    id: "xmpp-component-client",
    severity: Severity::Warning,
    finds: "_xmpp-client at a component's subdomain such as conference",
    why: "a component has no users: only other servers look for it, by _xmpp-server",
    help: "remove it, and keep _xmpp-server._tcp",
    see: "dig SRV {owner}",
    wrong: "_xmpp-client._tcp.conference 300 IN SRV 5 0 5222 xmpp",
    right: "_xmpp-server._tcp.conference 300 IN SRV 5 0 5269 xmpp",
};

pub(super) const CONNECT_TXT: Rule = Rule {
    id: "xmpp-connect-txt",
    severity: Severity::Warning,
    finds: "an _xmppconnect TXT record",
    why: "whoever forges it leads clients to a foreign web server: finding BOSH and WebSocket by TXT is insecure and was withdrawn",
    help: "remove it, and publish /.well-known/host-meta over HTTPS (XEP-0156)",
    see: "dig TXT {owner}",
    wrong: "_xmppconnect 300 IN TXT \"_xmpp-client-xbosh=https://bosh.example.com/\"",
    right: "; nothing: https://example.com/.well-known/host-meta says it",
};

pub(super) const RELAY_WITHOUT_UDP: Rule = Rule {
    id: "relay-without-udp",
    severity: Severity::Warning,
    finds: "_stun._tcp or _turn._tcp without its UDP sister",
    why: "clients try UDP first, and media over TCP suffers from each lost packet",
    help: "add the _udp record on port 3478",
    see: "dig SRV _stun._udp.{domain}",
    wrong: "_stun._tcp  300 IN SRV 5 0 3478 server1",
    right: "_stun._tcp  300 IN SRV 5 0 3478 server1\n_stun._udp  300 IN SRV 5 0 3478 server1",
};

pub(super) const RELAY_WITHOUT_TLS: Rule = Rule {
    id: "relay-without-tls",
    severity: Severity::Note,
    finds: "_stun._udp without _stuns._tcp, or _turn._udp without _turns._tcp",
    why: "clients behind firewalls that pass TLS only find no relay",
    help: "add the TLS record on port 5349 if the server has a certificate",
    see: "dig SRV _stuns._tcp.{domain}",
    wrong: "_stun._udp  300 IN SRV 5 0 3478 server1",
    right: "_stun._udp  300 IN SRV 5 0 3478 server1\n_stuns._tcp 300 IN SRV 5 0 5349 server1",
};

pub(super) const RELAY_TLS_ONLY: Rule = Rule {
    id: "relay-tls-only",
    severity: Severity::Note,
    finds: "_stuns or _turns without _stun or _turn",
    why: "most clients ask for the plain service over UDP and find nothing",
    help: "add the _udp record on port 3478",
    see: "dig SRV _stun._udp.{domain}",
    wrong: "_stuns._tcp 300 IN SRV 5 0 5349 server1",
    right: "_stuns._tcp 300 IN SRV 5 0 5349 server1\n_stun._udp  300 IN SRV 5 0 3478 server1",
};

pub(super) const UNPROBED: Rule = Rule {
    id: "service-unprobed",
    severity: Severity::Note,
    finds: "a service over UDP for which no check is known",
    why: "silence proves nothing over UDP: without a check that gets an answer all records of the service are always served, and it never fails over",
    help: "give it a check in the config: [[service]] with match and check",
    see: "dig SRV {owner}",
    wrong: "_game._udp  300 IN SRV 10 0 27015 node1",
    right: "; config: [[service]] match = \"_game._udp.example.com.\", check = { kind = \"push\" }",
};

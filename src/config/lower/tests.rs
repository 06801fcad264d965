//! Lowering of small zones.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::finding::Severity;
use crate::base::table::RowId;
use crate::config::settings::Probing;
use crate::config::shape;
use crate::engine::setup::{MemberData, PoolSetup};
use crate::keys::source::Source;
use crate::policy::{Failed, FollowId, HostId, Kind, PoolId};
use crate::probe::Check;
use crate::snapshot::Pick;
use crate::zone::{Rtype, Srv, Zone, ZoneBuilder};

use super::*;

const SOA: &[u8] = b"\x01n\x00\x01h\x00\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";

/// The SIP zone of the guide that the project grew from, on loopback addresses.
const SIP: &str = "
    _sip._tcp SRV 10 70 5060 sip-node1
    _sip._tcp SRV 10 30 5060 sip-node2
    _sip._tcp SRV 20 0 5060 sip-dr
    _sip._tls SRV 10 100 5061 sip-node1
    sip-node1 A 127.0.1.1
    sip-node1 AAAA ::1
    sip-node2 A 127.0.1.2
    sip-dr A 127.0.2.1
    @ A 127.0.9.9
";

const XMPP: &str = "
    _xmpp-client._tcp SRV 5 70 5222 xmpp-primary
    _xmpp-client._tcp SRV 5 30 5222 xmpp-secondary
    _xmpps-client._tcp SRV 5 0 5223 xmpp-primary
    _xmpp-server._tcp SRV 5 0 5269 xmpp-primary
    _xmpps-server._tcp.conference SRV 5 0 5270 xmpp-primary
    xmpp-primary A 127.0.1.1
    xmpp-secondary A 127.0.1.2
";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Builds a zone from lines `owner TYPE data`, names relative to the origin.
fn zone(origin: &str, text: &str) -> ZoneSetup {
    let origin = name(origin);
    let relative = |text: &str| Name::parse(text.as_bytes(), Some(&origin)).unwrap();
    let mut builder = ZoneBuilder::new(origin.clone());
    builder.add(&origin, Rtype::SOA, 60, SOA).unwrap();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (rtype, data) = (Rtype::parse(words[1]).unwrap(), &words[2..]);
        let rdata = match rtype {
            Rtype::A | Rtype::AAAA => match data[0].parse().unwrap() {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            },
            Rtype::SRV => {
                let number = |at: usize| data[at].parse().unwrap();
                let host = relative(data[3]);
                Srv { priority: number(0), weight: number(1), port: number(2), host: host.wire() }.write()
            }
            _ => relative(data[0]).wire().to_vec(),
        };
        builder.add(&relative(words[0]), rtype, 300, &rdata).unwrap();
    }
    let zone: Zone = builder.finish().unwrap();
    ZoneSetup { origin, zone: Some(Arc::new(zone)), is_judged_upstream: false }
}

fn lower_with(config: &str, zones: Vec<ZoneSetup>, options: Options) -> Lowered {
    let source = Source::new("understudy.toml", format!("version = 1\n{config}"));
    let (file, findings) = shape::read(&source);
    assert_eq!(findings, [], "{config}");
    let probing = file.probing.over(&Probing::default());
    let access = Access { allow: probing.probe_allow.unwrap_or_default(), deny: probing.probe_deny };
    lower(&file, zones.into_iter().collect(), &access, options)
}

pub(super) fn lower_one(config: &str, text: &str) -> Lowered {
    lower_with(config, vec![zone("example.com", text)], Options::default())
}

fn pool<'a>(lowered: &'a Lowered, name: &str) -> &'a PoolSetup {
    lowered.setup.pools.iter().map(|(_, pool)| pool).find(|pool| pool.name == name).unwrap()
}

/// The targets of a pool: for each member `address:port kind`.
fn probes(lowered: &Lowered, pool: &PoolSetup) -> Vec<Vec<String>> {
    let text = |id: &TargetId| {
        let key = &lowered.setup.targets[*id].key;
        format!("{} {} {}", std::net::SocketAddr::new(key.address, key.port), key.kind, key.parameters)
    };
    pool.members.iter().map(|member| member.targets.iter().map(|id| text(id).trim().to_owned()).collect()).collect()
}

/// The findings above notes: id and line, 0 without a place.
fn faults(lowered: &Lowered) -> Vec<(&'static str, u32)> {
    let grave = lowered.findings.iter().filter(|finding| finding.severity > Severity::Note);
    grave.map(|finding| (finding.id, finding.place.as_ref().map_or(0, |place| place.line))).collect()
}

fn notes(lowered: &Lowered) -> Vec<&str> {
    lowered.findings.iter().map(|finding| finding.message.as_str()).collect()
}

#[test]
fn relays_are_asked_over_the_transport_of_their_service() {
    let lowered = lower_one(
        "[[service]]\nmatch = \"_turns._tcp.example.com\"\ncheck = { kind = \"stun\", name = \"relay.example.net\" }\n",
        "_stun._udp SRV 10 0 3478 relay
        _stun._tcp SRV 10 0 3478 relay
        _stuns._tcp SRV 10 0 5349 relay
        _turn._udp SRV 10 0 3478 relay
        _turn._tcp SRV 10 0 3478 relay
        _turns._tcp SRV 10 0 5349 relay
        relay A 127.0.1.1",
    );
    let told: Vec<_> = lowered
        .setup
        .targets
        .iter()
        .map(|(_, target)| &target.key)
        .map(|key| format!("{} {} {} {}", key.kind, key.transport, key.port, key.parameters).trim().to_owned())
        .collect();
    let expected = [
        "stun tcp 3478",
        "stun tls 5349 name=example.com",
        "stun tls 5349 name=relay.example.net",
        "stun udp 3478",
        "turn tcp 3478",
        "turn udp 3478",
    ];
    let mut sorted = told.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected, "{told:?}");
    assert_eq!(notes(&lowered), Vec::<&str>::new());
}

#[test]
fn the_sip_zone_becomes_two_pools() {
    let lowered = lower_one("", SIP);
    assert_eq!(lowered.setup.pools.len(), 2);
    let tcp = pool(&lowered, "_sip._tcp.example.com.");
    assert_eq!(tcp.pool.kind, Kind::Service);
    let tiers: Vec<_> = tcp.pool.members.iter().map(|member| (member.priority, member.weight)).collect();
    assert_eq!(tiers, [(10, 70), (10, 30), (20, 0)]);
    assert_eq!(tcp.members[0].label, "sip-node1.example.com:5060");
    assert_eq!(
        probes(&lowered, tcp),
        [
            vec!["127.0.1.1:5060 sip domain=example.com", "[::1]:5060 sip domain=example.com"],
            vec!["127.0.1.2:5060 sip domain=example.com"],
            vec!["127.0.2.1:5060 sip domain=example.com"]
        ]
    );
    let tls = pool(&lowered, "_sip._tls.example.com.");
    let targets = ["127.0.1.1:5061", "[::1]:5061"].map(|address| format!("{address} sip name=example.com"));
    assert_eq!(probes(&lowered, tls), [targets]);
    assert_eq!(notes(&lowered), Vec::<&str>::new());
    assert_eq!(tcp.fills[0].ttl, 300);
}

#[test]
fn hosts_know_the_targets_on_each_address() {
    let lowered = lower_one("", SIP);
    let hosts: Vec<String> = lowered.setup.hosts.iter().map(|(_, host)| host.fills[0].owner.to_string()).collect();
    assert_eq!(hosts, ["sip-node1.example.com.", "sip-node2.example.com.", "sip-dr.example.com."]);
    let node1 = &lowered.setup.hosts[HostId::from_index(0)];
    let counts: Vec<_> = node1.addresses.iter().map(|(ip, targets)| (ip.to_string(), targets.len())).collect();
    assert_eq!(counts, [("127.0.1.1".to_owned(), 2), ("::1".to_owned(), 2)]);
    assert_eq!(node1.fills.len(), 2);
    assert_eq!(node1.pools.len(), 2);
}

#[test]
fn xmpp_halves_of_one_domain_are_one_pool() {
    let lowered = lower_one("", XMPP);
    let pair = pool(&lowered, "_xmpp-client._tcp.example.com.+_xmpps-client._tcp.example.com.");
    assert_eq!(pair.pool.kind, Kind::Pair);
    let halves: Vec<_> = pair.pool.members.iter().map(|member| (member.half, member.weight)).collect();
    assert_eq!(halves, [(0, 70), (0, 30), (1, 0)]);
    assert_eq!(pair.fills.len(), 2);
    assert_eq!(probes(&lowered, pair)[2], ["127.0.1.1:5223 xmpp role=client name=example.com"]);
    assert_eq!(pool(&lowered, "_xmpp-server._tcp.example.com.").pool.kind, Kind::Service);
    let alone = pool(&lowered, "_xmpps-server._tcp.conference.example.com.");
    assert_eq!(probes(&lowered, alone), [["127.0.1.1:5270 xmpp role=server name=conference.example.com"]]);
    assert_eq!(lowered.setup.pools.len(), 3);
}

#[test]
fn halves_of_a_pair_agree_in_policy() {
    let one = "[[service]]\nmatch = \"_xmpp-client._tcp.example.com\"\nfailed = \"demote\"\n";
    let lowered = lower_one(one, XMPP);
    assert_eq!(faults(&lowered), []);
    let pair = pool(&lowered, "_xmpp-client._tcp.example.com.+_xmpps-client._tcp.example.com.");
    assert_eq!(pair.pool.settings.failed, Failed::Demote);

    let other = "[[service]]\nmatch = \"_xmpps-client._tcp.example.com\"\nttl = 20\n";
    assert_eq!(faults(&lower_one(&format!("{one}{other}"), XMPP)), [("service-pair-settings", 7)]);
    let alike = "[[service]]\nmatch = \"_xmpps-client._tcp.example.com\"\nfailed = \"demote\"\nfall = 5\n";
    assert_eq!(faults(&lower_one(&format!("{one}{alike}"), XMPP)), []);
}

#[test]
fn xmpp_is_opened_as_configured() {
    let config = "[health]\ndeep-interval = \"10s\"\n[[service]]\nmatch = \"_chat._tcp.example.com\"\ncheck = { kind = \
                  \"xmpp\", role = \"server\", name = \"XN--mnchen-3ya.example\", from = \"a.example\", require-tls = false }\n\
                  [[service]]\nmatch = \"_xmpp-server._tcp.example.com\"\ncheck = { kind = \"xmpp\", transport = \"tls\" }\n";
    let zone = "
        _chat._tcp SRV 1 0 5269 host
        _xmpp-server._tcp SRV 1 0 5270 host
        host A 127.0.0.1
    ";
    let lowered = lower_one(config, zone);
    assert_eq!(faults(&lowered), []);
    let seen = |owner: &str| probes(&lowered, pool(&lowered, owner))[0][0].clone();
    assert_eq!(
        seen("_chat._tcp.example.com."),
        "127.0.0.1:5269 xmpp role=server from=a.example require-tls=false deep-interval=10s \
         name=xn--mnchen-3ya.example"
    );
    assert_eq!(
        seen("_xmpp-server._tcp.example.com."),
        "127.0.0.1:5270 xmpp role=server deep-interval=10s name=example.com"
    );
}

#[test]
fn equal_probes_are_one_target() {
    let text = "
        _a._tcp SRV 1 0 80 host
        _b._tcp SRV 1 0 80 host
        _c._tcp SRV 1 0 80 host
        host A 127.0.0.1
    ";
    assert_eq!(lower_one("", text).setup.targets.len(), 1);
    let slower = "[[service]]\nmatch = \"_b._tcp.example.com\"\ninterval = \"9s\"";
    assert_eq!(lower_one(slower, text).setup.targets.len(), 2);
    let other = "[[service]]\nmatch = \"_b._tcp.example.com\"\ncheck = { kind = \"tcp\", send = \"x\" }";
    assert_eq!(lower_one(other, text).setup.targets.len(), 2);
}

#[test]
fn a_certificate_bears_the_host_or_the_domain_as_clients_of_the_label_expect() {
    let text = "
        _amqps._tcp SRV 1 0 5671 mx1
        _amqps._tcp SRV 2 0 5671 mx2
        _amqps._tcp SRV 3 0 5671 @
        _https._tcp SRV 1 0 443 mx1
        _wss._tcp SRV 1 0 443 mx1
        mx1 A 127.0.0.1
        mx2 A 127.0.0.2
        @ A 127.0.0.3
    ";
    let tls = |config: &str, owner: &str| {
        let lowered = lower_one(config, text);
        let targets = probes(&lowered, pool(&lowered, &format!("{owner}._tcp.example.com."))).concat();
        let checks: Vec<String> = targets.iter().map(|text| text.split_once(' ').unwrap().1.to_owned()).collect();
        checks
    };
    let by_host = ["tls name=mx1.example.com or=example.com", "tls name=mx2.example.com or=example.com"];
    assert_eq!(tls("", "_amqps"), [&by_host[..], &["tls name=example.com"]].concat());
    assert!(tls("", "_https")[0].contains("host=example.com") && tls("", "_https")[0].contains("name=example.com"));
    assert_eq!(tls("", "_wss"), ["tls name=example.com"]);
    let said =
        |owner: &str, key: &str| tls(&format!("[[service]]\nmatch = \"{owner}._tcp.example.com\"\n{key}"), owner);
    assert_eq!(said("_amqps", "certificate-name = \"domain\""), ["tls name=example.com"; 3]);
    assert_eq!(said("_wss", "certificate-name = \"host\""), by_host[..1]);
    let web = &said("_https", "certificate-name = \"host\"")[0];
    assert!(web.contains("host=example.com") && web.contains("tls(name=mx1.example.com or=example.com"), "{web}");
    let named = said("_amqps", "check = { kind = \"tls\", name = \"mail.example.net\" }");
    assert_eq!(named, ["tls name=mail.example.net"; 3]);
}

#[test]
fn what_is_no_service_makes_no_pool() {
    let text = "
        _imap._tcp SRV 0 0 0 .
        _sub._tcp.child SRV 1 0 80 ns.child
        child NS ns.child
        ns.child A 127.0.0.1
    ";
    let lowered = lower_one("", text);
    assert_eq!((lowered.setup.pools.len(), lowered.setup.targets.len()), (0, 0));
    let lowered = lower_one("[[service]]\nmatch = \"_imap._tcp.example.com\"\n", text);
    assert_eq!(faults(&lowered), [("service-unmatched", 3)]);
    assert!(lowered.findings[0].help.as_ref().unwrap().contains("0 0 0 ."));
}

#[test]
fn glue_is_probed_but_never_rewritten() {
    let text = "
        _a._tcp SRV 1 0 80 ns.child
        child NS ns.child
        ns.child A 127.0.0.1
    ";
    let lowered = lower_one("", text);
    assert_eq!((lowered.setup.targets.len(), lowered.setup.hosts.len()), (1, 0));
}

#[test]
fn a_host_may_lie_in_another_zone_of_ours() {
    let zones = vec![
        zone("example.com", "_a._tcp SRV 1 0 80 h.child\n child NS h.child\n h.child A 127.0.0.9"),
        zone("child.example.com", "h A 127.0.0.1"),
    ];
    let lowered = lower_with("", zones, Options::default());
    assert_eq!(probes(&lowered, &lowered.setup.pools[PoolId::from_index(0)]), [["127.0.0.1:80 tcp"]]);
    assert_eq!(lowered.setup.hosts[HostId::from_index(0)].fills[0].zone, ZoneId::from_index(1));
}

#[test]
fn a_host_of_others_has_no_targets_but_is_not_unprobed_by_design() {
    let lowered = lower_one("", "_a._tcp SRV 1 0 80 host.example.org.\n _b._udp SRV 1 0 80 h\n h A 127.0.0.1");
    let [outside, by_design] =
        ["_a._tcp.example.com.", "_b._udp.example.com."].map(|name| &pool(&lowered, name).members[0]);
    assert!(outside.targets.is_empty() && !outside.unprobed);
    assert!(by_design.targets.is_empty() && by_design.unprobed);
    let said = notes(&lowered);
    assert_eq!(said[0], "not tested, as no check is known: _b._udp.example.com.");
    let asked =
        "1 host outside of the zones (first host.example.org.): asked of the resolver, so that they can be tested";
    assert_eq!(said[1], asked);
    assert_eq!(lowered.outside, ["host.example.org.".parse().unwrap()]);
}

#[test]
fn hosts_without_an_address_of_their_own_are_said_to_be_untested() {
    let text = "_a._tcp SRV 1 0 80 other\n _a._tcp SRV 1 0 80 below.wild\n _a._tcp SRV 1 0 80 missing\n \
        _b._tcp SRV 1 0 80 h\n other CNAME h\n *.wild A 127.0.0.2\n h A 127.0.0.1\n _c._udp SRV 1 0 81 nobody";
    let found = |options| {
        let lowered = lower_with("", vec![zone("example.com", text)], options);
        let found = lowered.findings.iter().filter(|finding| finding.id == "host-unaddressed");
        found.map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    let said = "3 hosts of these zones (first missing.example.com.) have no address record: served as declared and never \
        tested";
    assert_eq!(found(Options::default()), [said], "of _c._udp no check is known");
    assert_eq!(found(Options { fixed: true, ..Options::default() }), [""; 0]);
    let one = lower_one("", "_a._tcp SRV 1 0 80 missing");
    assert!(one.findings.iter().any(|finding| finding.message.starts_with("1 host of these zones (first missing")));
}

#[test]
fn every_address_of_a_resolved_host_is_a_target_at_the_pace_for_others_servers() {
    let config = "[[service]]\nmatch = \"_b._tcp.example.com\"\ninterval = \"2s\"";
    let (file, _) = shape::read(&Source::new("understudy.toml", format!("version = 1\n{config}")));
    let text = "_a._tcp SRV 1 0 80 host.example.org.\n _b._tcp SRV 1 0 81 host.example.org.\n _c._tcp SRV 1 0 82 h.cut\n \
        cut NS ns.example.net.\n _d._tcp SRV 1 0 83 own\n own A 127.0.0.9";
    let lowering_input =
        LoweringInput { file, zones: [zone("example.com", text)].into_iter().collect(), ..LoweringInput::default() };
    let resolved: Addresses = [
        ("host.example.org.".parse().unwrap(), vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]),
        ("h.cut.example.com.".parse().unwrap(), vec!["127.0.0.2".parse().unwrap()]),
        ("own.example.com.".parse().unwrap(), vec!["127.0.0.3".parse().unwrap()]),
    ]
    .into();
    let lowered = lowering_input.lower(&resolved);
    let targets = |owner: &str| probes(&lowered, pool(&lowered, owner));
    assert_eq!(targets("_a._tcp.example.com."), [["127.0.0.1:80 tcp", "[::1]:80 tcp"]]);
    assert_eq!(targets("_c._tcp.example.com."), [["127.0.0.2:82 tcp"]], "below a delegation without glue");
    assert_eq!(targets("_d._tcp.example.com."), [["127.0.0.9:83 tcp"]], "ours are what the zone says");
    let pace = |owner: &str| {
        let id = pool(&lowered, owner).members[0].targets[0];
        let settings = &lowered.setup.targets[id].settings;
        [settings.interval, settings.down_interval, settings.fast_interval].map(|pace| pace.as_secs())
    };
    assert_eq!(pace("_a._tcp.example.com."), [300, 300, 1]);
    assert_eq!(pace("_b._tcp.example.com."), [2, 5, 1], "the service's own word");
    assert_eq!(pace("_d._tcp.example.com."), [5, 5, 1]);
    let hosts: Vec<_> = lowered.setup.hosts.iter().map(|(_, host)| host.fills[0].owner.to_string()).collect();
    assert_eq!(hosts, ["own.example.com."], "no answer is made of what was resolved");
}

#[test]
fn a_member_whose_host_is_known_to_have_no_address_is_nowhere() {
    let text = "_a._tcp SRV 1 0 80 gone.example.org.\n _a._tcp SRV 2 0 80 unheard.example.org.\n _a._tcp SRV 3 0 0 .\n \
        _sip._sctp SRV 1 0 80 gone.example.org.";
    let lowering_input =
        LoweringInput { zones: [zone("example.com", text)].into_iter().collect(), ..LoweringInput::default() };
    let lowered = lowering_input.lower(&[("gone.example.org.".parse().unwrap(), Vec::new())].into());
    let nowhere =
        |owner: &str| -> Vec<bool> { pool(&lowered, owner).members.iter().map(|member| member.nowhere).collect() };
    assert_eq!(nowhere("_a._tcp.example.com."), [true, false, true]);
    assert_eq!(nowhere("_sip._sctp.example.com."), [false], "what is not tested is served as declared");
}

#[test]
fn addresses_for_documents_are_reported_and_not_probed() {
    let text = "_a._tcp SRV 1 0 80 h\n h A 192.0.2.1\n h A 192.0.2.2\n h A 127.0.0.1";
    let lowered = lower_one("", text);
    let probed: Vec<bool> = lowered.setup.targets.iter().map(|(_, target)| target.is_probed()).collect();
    assert_eq!(probed, [false, false, true]);
    assert_eq!(lowered.specs.iter().map(|(_, spec)| spec.is_some()).collect::<Vec<_>>(), probed);
    assert_eq!(faults(&lowered), [("target-documentation", 0)]);
    assert!(lowered.findings[0].help.as_ref().unwrap().contains("`probe-allow`"));
    let lowered = lower_one("[health]\nprobe-allow = [\"192.0.2.0/24\"]", text);
    assert_eq!(faults(&lowered), [("target-denied", 0)]);
    assert!(lowered.setup.targets[TargetId::from_index(0)].is_probed());
}

#[test]
fn static_leaves_every_set_as_declared() {
    let config = "[health]\nreferences = [\"tcp://127.0.0.1:53\"]";
    let lowered = lower_with(config, vec![zone("example.com", SIP)], Options { fixed: true, ..Options::default() });
    assert!(lowered.setup.targets.is_empty() && lowered.specs.is_empty() && lowered.setup.references.is_empty());
    assert!(lowered.setup.pools.is_empty() && lowered.setup.hosts.is_empty() && lowered.setup.follows.is_empty());
    assert_eq!(lowered.setup.zones.len(), 1);
}

#[test]
fn the_most_specific_entry_wins() {
    let text = "
        _sip._tcp SRV 1 0 80 h
        _sip._udp SRV 1 0 80 h
        _foo._tcp SRV 1 0 80 h
        *._tcp SRV 1 0 80 h
        h A 127.0.0.1
    ";
    let config = "
        [[service]]
        match = \"_sip._tcp.*.com\"
        ttl = 11
        [[service]]
        match = \"*.*.example.com\"
        ttl = 12
        [[service]]
        match = \"*._tcp.example.com.\"
        ttl = 13
        [[service]]
        match = \"_SIP._udp.example.com\"
        ttl = 14
    ";
    let lowered = lower_one(config, text);
    let ttls = ["_sip._tcp", "_sip._udp", "_foo._tcp", "*._tcp"]
        .map(|owner| pool(&lowered, &format!("{owner}.example.com.")).pool.settings.ttl);
    assert_eq!(ttls, [13, 14, 13, 13]);
    assert_eq!(faults(&lowered), [("service-unmatched", 4), ("service-unmatched", 7)]);
}

#[test]
fn entries_that_contradict_are_found() {
    let text = "_sip._tcp SRV 1 0 80 h\n h A 127.0.0.1";
    for (config, expected) in [
        (
            "[[service]]\nmatch = \"_sip._tcp.example.com\"\n[[service]]\nmatch = \"_SIP._tcp.example.com.\"",
            vec![("service-duplicate", 5)],
        ),
        ("[[service]]\nmatch = \"_sips._tcp.example.com\"", vec![("service-unmatched", 3)]),
        ("[policy]\nstandby = \"hidden\"\nfailed = \"demote\"", vec![("config-hidden-demote", 3)]),
        (
            "[policy]\nstandby = \"hidden\"\n[[service]]\nmatch = \"_sip._tcp.example.com\"\nfailed = \"demote\"",
            vec![("config-hidden-demote", 6)],
        ),
        ("[policy]\nttl = 4", vec![("config-unsettled-ttl", 3)]),
        ("[health]\ntimeout = \"9s\"", vec![("config-timeout-interval", 3)]),
        ("[health]\ninterval = \"900ms\"", vec![("config-timeout-interval", 3), ("config-fast-interval", 3)]),
    ] {
        assert_eq!(faults(&lower_one(config, text)), expected, "{config}");
    }
}

#[test]
fn a_name_may_follow_a_service() {
    let follows =
        |name: &str, service: &str| lower_one(&format!("[[address]]\nname = \"{name}\"\nfollows = \"{service}\""), SIP);
    let lowered = follows("example.com", "_sip._tcp.example.com");
    assert_eq!(faults(&lowered), []);
    assert_eq!(lowered.setup.follows.len(), 1);
    let follow = &lowered.setup.follows[FollowId::from_index(0)];
    assert_eq!(lowered.setup.pools[follow.pool].name, "_sip._tcp.example.com.");
    assert_eq!(follow.addresses, ["127.0.9.9".parse::<IpAddr>().unwrap()]);
    let types: Vec<_> = follow.fills.iter().map(|fill| fill.rtype).collect();
    assert_eq!(types, [Rtype::A, Rtype::AAAA], "of the hosts some have a family that the name has not");
    for (owner, service, expected) in [
        ("www.example.com", "_sip._tcp.example.com", ("address-undeclared", 3)),
        ("example.org", "_sip._tcp.example.com", ("address-outside", 3)),
        ("example.com", "_sips._tcp.example.com", ("address-follows", 4)),
        ("sip-dr.example.com", "_sip._tcp.example.com", ("address-follows-host", 3)),
    ] {
        assert_eq!(faults(&follows(owner, service)), [expected], "{owner} {service}");
    }
}

#[test]
fn a_name_follows_the_service_of_another_host() {
    let lowered = lower_one("[[address]]\nname = \"sip-dr.example.com\"\nfollows = \"_sip._tls.example.com\"", SIP);
    assert_eq!(faults(&lowered), []);
    assert_eq!(lowered.setup.hosts.len(), 2);
    assert!(notes(&lowered)[0].contains("sip-dr.example.com. is also the host of a service"));
}

#[test]
fn addresses_may_stand_in_tiers() {
    let text = "www A 127.0.0.1\n www A 127.0.0.2\n www AAAA ::1";
    let tiers = |tiers: &str| {
        let check = "check = { kind = \"tls\", port = 443 }";
        lower_one(&format!("[[address]]\nname = \"www.example.com\"\ntiers = {tiers}\n{check}\nhold = \"5s\""), text)
    };
    let lowered = tiers("[[\"127.0.0.1\", \"::1\"], [\"127.0.0.2\"]]");
    assert_eq!(faults(&lowered), []);
    let pool = pool(&lowered, "www.example.com.");
    assert_eq!(pool.pool.kind, Kind::Addresses);
    assert_eq!(pool.pool.members.iter().map(|member| member.priority).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(pool.members[2].data, MemberData::Address("127.0.0.2".parse().unwrap()));
    assert_eq!(probes(&lowered, pool)[1], ["[::1]:443 tls name=www.example.com"]);
    assert_eq!((pool.fills.len(), pool.pool.settings.hold.as_secs()), (2, 5));
    for (text, expected) in [
        ("[[\"127.0.0.1\", \"::1\"], [\"127.0.0.1\", \"127.0.0.2\"]]", ("address-tier-twice", 4)),
        ("[[\"127.0.0.1\", \"::1\"], [\"127.0.0.2\", \"127.0.0.3\"]]", ("address-tier-undeclared", 4)),
        ("[[\"127.0.0.1\"], [\"127.0.0.2\"]]", ("address-tier-missing", 3)),
    ] {
        assert_eq!(faults(&tiers(text)), [expected], "{text}");
    }
}

#[test]
fn addresses_may_have_weights() {
    let text = "www A 127.0.0.1\n www A 127.0.0.2\n www A 127.0.0.3\n www AAAA ::1";
    let tiers = |keys: &str| {
        lower_one(
            &format!("[[address]]\nname = \"www.example.com\"\n{keys}\ncheck = {{ kind = \"tcp\", port = 80 }}"),
            text,
        )
    };
    let seen = |keys: &str| {
        let lowered = tiers(keys);
        let pool = pool(&lowered, "www.example.com.");
        (pool.pool.members.iter().map(|member| member.weight).collect::<Vec<_>>(), pool.pick)
    };
    let weighed = "tiers = [[\"127.0.0.1 weight 60\", \"127.0.0.2\", \"::1\"], [\"127.0.0.3 weight 65535\"]]";
    assert_eq!(seen(weighed), (vec![60, 1, 1, 65_535], Some(Pick::One)));
    assert_eq!(seen(&format!("{weighed}\npick = \"each\"")), (vec![60, 1, 1, 65_535], Some(Pick::Each)));
    let plain = "tiers = [[\"127.0.0.1\", \"127.0.0.2\", \"::1\"], [\"127.0.0.3\"]]";
    assert_eq!(seen(plain), (vec![0, 0, 0, 0], None), "without weights every answer holds all");
}

const ALIAS: &str = "
    www CNAME lb1
    lb1 A 127.0.1.1
    lb1 A 127.0.1.2
    lb2 A 127.0.2.1
    lb3 A 127.0.3.1
    other CNAME lb2
";

fn alias(name: &str, tiers: &str) -> Lowered {
    let entry = format!("[[alias]]\nname = \"{name}\"\ntiers = {tiers}\ncheck = {{ kind = \"tls\", port = 443 }}");
    lower_one(&entry, ALIAS)
}

#[test]
fn an_alias_is_a_pool_of_the_names_that_it_may_lead_to() {
    let tiers = "[[\"lb1.example.com weight 3\", \"lb2.example.com\"], [\"lb3.example.com\"]]";
    let lowered = alias("www.example.com", tiers);
    assert_eq!(faults(&lowered), []);
    let pool = pool(&lowered, "www.example.com.");
    assert_eq!((pool.pool.kind, pool.pick), (Kind::Alias, Some(Pick::One)));
    let members: Vec<_> = pool.pool.members.iter().map(|member| (member.priority, member.weight)).collect();
    assert_eq!(members, [(0, 3), (0, 1), (1, 1)]);
    assert_eq!(pool.members[0].label, "lb1.example.com");
    assert_eq!(pool.members[0].data, MemberData::Alias(name("lb1.example.com")));
    // Clients of the alias ask for its name, whichever host answers.
    let first = ["127.0.1.1:443 tls name=www.example.com", "127.0.1.2:443 tls name=www.example.com"];
    assert_eq!(probes(&lowered, pool)[0], first);
    assert_eq!((pool.fills.len(), pool.fills[0].rtype, pool.fills[0].ttl), (1, Rtype::CNAME, 300));
    // The addresses of its hosts follow health as those of an SRV record's do.
    assert_eq!(lowered.setup.hosts.len(), 3);
    assert_eq!(lowered.setup.hosts[HostId::from_index(0)].addresses[1].1.len(), 1);
}

#[test]
fn an_alias_may_lead_to_hosts_outside_of_the_zones() {
    let entry = "[[alias]]\nname = \"www.example.com\"\ntiers = [[\"lb1.example.com\"], [\"lb.example.net\"]]\n\
                 check = { kind = \"tcp\", port = 443 }";
    let source = Source::new("understudy.toml", format!("version = 1\n{entry}"));
    let (file, _) = shape::read(&source);
    let zones: Table<_, _> = [zone("example.com", ALIAS)].into_iter().collect();
    let first = lower(&file, zones.clone(), &Access::default(), Options::default());
    assert_eq!(first.outside, [name("lb.example.net")]);
    assert!(!first.findings.iter().any(|finding| finding.message.contains("5 min")), "{:?}", first.findings);
    let resolved = [(name("lb.example.net"), vec!["203.0.114.7".parse().unwrap()])].into_iter().collect();
    let lowered = lower_resolved(&file, zones, &Access::default(), Options::default(), &resolved);
    let pool = pool(&lowered, "www.example.com.");
    assert_eq!(probes(&lowered, pool)[1], ["203.0.114.7:443 tcp"]);
    let target = &lowered.setup.targets[pool.members[1].targets[0]];
    assert_eq!((target.settings.interval.as_secs(), target.is_probed()), (5, true), "the config itself names it");
    // Nobody can point the checker at our own network by a name of theirs.
    let resolved = [(name("lb.example.net"), vec!["127.0.0.1".parse().unwrap()])].into_iter().collect();
    let zones: Table<_, _> = [zone("example.com", ALIAS)].into_iter().collect();
    let lowered = lower_resolved(&file, zones, &Access::default(), Options::default(), &resolved);
    let pool = self::pool(&lowered, "www.example.com.");
    assert!(!lowered.setup.targets[pool.members[1].targets[0]].is_probed());
}

#[test]
fn aliases_that_cannot_be_have_findings() {
    let two = "[[\"lb1.example.com\"], [\"lb2.example.com\"]]";
    for (owner, tiers, expected) in [
        ("lb1.example.com", "[[\"lb2.example.com\"]]", ("alias-undeclared", 3)),
        ("no.example.com", two, ("alias-undeclared", 3)),
        ("www.example.org", two, ("address-outside", 3)),
        ("www.example.com", "[[\"lb1.example.com\", \"www.example.com\"]]", ("alias-itself", 4)),
        ("www.example.com", "[[\"lb1.example.com\"], [\"127.0.0.1\"]]", ("alias-address", 4)),
        ("www.example.com", "[[\"lb1.example.com\"], [\"LB1.example.com\"]]", ("alias-tier-twice", 4)),
        ("www.example.com", "[[\"lb2.example.com\"]]", ("alias-tier-missing", 3)),
        ("www.example.com", "[[\"lb1.example.com\"], [\"other.example.com\"]]", ("host-unaddressed", 0)),
    ] {
        assert_eq!(faults(&alias(owner, tiers)), [expected], "{owner} {tiers}");
    }
    let entry =
        format!("[[alias]]\nname = \"www.example.com\"\ntiers = {two}\ncheck = {{ kind = \"tcp\", port = 80 }}\n");
    assert_eq!(faults(&lower_one(&format!("{entry}{entry}"), ALIAS)), [("address-duplicate", 7)]);
}

#[test]
fn with_static_an_alias_leads_where_the_zone_says() {
    let entry =
        "[[alias]]\nname = \"www.example.com\"\ntiers = [[\"lb1.example.com\"]]\ncheck = { kind = \"tcp\", port = 80 }";
    let lowered = lower_with(entry, vec![zone("example.com", ALIAS)], Options { fixed: true, ..Options::default() });
    assert_eq!((lowered.setup.pools.len(), lowered.setup.targets.len()), (0, 0));
    assert_eq!(faults(&lowered), []);
}

#[test]
fn one_name_has_one_address_entry() {
    let entry = "[[address]]\nname = \"example.com\"\nfollows = \"_sip._tcp.example.com\"\n";
    assert_eq!(faults(&lower_one(&format!("{entry}{entry}"), SIP)), [("address-duplicate", 6)]);
}

#[test]
fn references_are_targets_without_a_pool() {
    let config = "[health]\nreferences = [\"tcp://127.0.0.1:53\", \"tls://[::1]:443/www.example.org\"]";
    let lowered = lower_one(config, SIP);
    let kinds: Vec<_> = lowered.setup.references.iter().map(|id| lowered.setup.targets[*id].key.kind).collect();
    assert_eq!(kinds, ["tcp", "tls"]);
    let spec = lowered.specs[lowered.setup.references[1]].clone().unwrap();
    let Check::Tls(tls) = &*spec.check else { panic!("{spec:?}") };
    assert_eq!(tls.name, "www.example.org");
}

#[test]
fn a_broken_zone_is_kept_without_data() {
    let zones = vec![
        zone("example.com", SIP),
        ZoneSetup { origin: name("example.org"), zone: None, is_judged_upstream: false },
    ];
    let config = "[[service]]\nmatch = \"_a._tcp.example.org\"\n\
                  [[address]]\nname = \"www.example.org\"\nfollows = \"_a._tcp.example.org\"";
    let lowered = lower_with(config, zones, Options::default());
    assert_eq!(faults(&lowered), []);
    assert_eq!((lowered.setup.zones.len(), lowered.setup.pools.len()), (2, 2));
}

/// Whatever health would change has no signature.
#[test]
fn a_zone_that_comes_signed_is_served_as_declared() {
    let sip = zone("example.com", SIP);
    let mut builder = ZoneBuilder::new(sip.origin.clone());
    for (owner, sets) in sip.zone.as_ref().unwrap().nodes() {
        for (set, rdata) in sets.iter().flat_map(|set| set.rdatas().map(move |rdata| (set, rdata))) {
            builder.add(owner, set.rtype(), set.ttl(), rdata).unwrap();
        }
    }
    let over_soa = [&[0, 6, 13, 2, 0, 0, 1, 44], [0u8; 10].as_slice(), sip.origin.wire(), &[1; 64]].concat();
    builder.add(&sip.origin, Rtype::RRSIG, 300, &over_soa).unwrap();
    let signed =
        ZoneSetup { origin: sip.origin, zone: Some(Arc::new(builder.finish().unwrap())), is_judged_upstream: false };

    let config = "[[service]]\nmatch = \"_sip._tcp.example.com\"\nhold = \"5s\"";
    let lowered = lower_with(config, vec![signed.clone()], Options::default());
    assert!(lowered.setup.pools.is_empty() && lowered.setup.hosts.iter().all(|(_, host)| host.fills.is_empty()));
    assert!(lowered.setup.targets.is_empty());
    assert_eq!(faults(&lowered), [("zone-signed", 0)]);

    let address = "[[address]]\nname = \"sip-node1.example.com\"\ntiers = [[\"127.0.1.1\"]]\ncheck = { kind = \"tcp\", port = 1 }";
    let lowered = lower_with(address, vec![signed.clone()], Options::default());
    assert_eq!(faults(&lowered), [("address-signed", 3), ("zone-signed", 0)]);

    let fixed = Options { fixed: true, ..Options::default() };
    assert_eq!(faults(&lower_with("", vec![signed], fixed)), []);
}

#[test]
fn web_servers_are_asked_leniently_unless_the_config_says_more() {
    let records = "_http._tcp SRV 0 0 8080 a\n_https._tcp SRV 0 0 8443 a\na A 127.0.0.1\n";
    let config = "[[service]]\nmatch = \"_https._tcp.example.com\"\ncheck = { kind = \"https\", path = \"/health\" }\n";
    let lowered = lower_one(config, records);
    let http = "127.0.0.1:8080 http host=example.com status=200-420,422-428,430-499";
    assert_eq!(probes(&lowered, pool(&lowered, "_http._tcp.example.com.")), [[http]]);
    let https = "127.0.0.1:8443 http host=example.com path=\"/health\" tls(name=example.com alpn=\"h2\" \
                 alpn=\"http/1.1\")";
    assert_eq!(probes(&lowered, pool(&lowered, "_https._tcp.example.com.")), [[https]]);
}

#[test]
fn each_general_check_becomes_what_the_config_says() {
    let targets = |check: &str| {
        let config = format!("[health]\nexec = true\n[[service]]\nmatch = \"_a._tcp.example.com\"\ncheck = {check}\n");
        let lowered = lower_one(&config, "_a._tcp SRV 0 0 7000 a\na A 127.0.0.1\n");
        // Nothing can report a state to a server without its API.
        assert!(faults(&lowered).iter().all(|(id, _)| *id == "push-idle" && check.contains("push")), "{check}");
        probes(&lowered, pool(&lowered, "_a._tcp.example.com.")).concat().concat()
    };
    for (check, target) in [
        ("{ kind = \"grpc\", service = \"s\" }", "127.0.0.1:7000 grpc host=example.com service=\"s\""),
        ("{ kind = \"dns\", type = \"A\" }", "127.0.0.1:7000 dns name=example.com. type=A"),
        ("{ kind = \"icmp\" }", "127.0.0.1:7000 icmp"),
        (
            "{ kind = \"exec\", program = \"/bin/true\", arguments = [\"{port}\"] }",
            "127.0.0.1:7000 exec \"/bin/true\" \"{port}\" domain=example.com",
        ),
        ("{ kind = \"push\", name = \"n\" }", "127.0.0.1:7000 push name=\"n\" patience=60s"),
        (
            "{ kind = \"all\", checks = [{ kind = \"tcp\" }, { kind = \"http\", port = 80 }] }",
            "127.0.0.1:7000 composite all(tcp; http+tcp port=80 host=example.com)",
        ),
    ] {
        assert_eq!(targets(check), target);
    }
}

#[test]
fn a_check_may_name_another_port_than_the_record() {
    let lower = |check: &str| {
        let config = format!("[[service]]\nmatch = \"_a._tcp.example.com\"\ncheck = {check}\n");
        lower_one(&config, "_a._tcp SRV 0 0 7000 a\na A 127.0.0.1\n")
    };
    let lowered = lower("{ kind = \"http\", port = 8080 }");
    let found = pool(&lowered, "_a._tcp.example.com.");
    assert!(probes(&lowered, found)[0][0].starts_with("127.0.0.1:8080 http"));
    assert_eq!(found.members[0].label, "a.example.com:7000", "the record is served as it is");
    for idle in ["{ kind = \"none\", port = 1 }", "{ kind = \"icmp\", port = 1 }"] {
        assert_eq!(faults(&lower(idle)), [("config-key-idle", 4)], "{idle}");
    }
}

#[test]
fn what_nothing_tests_keeps_its_ttl() {
    let text = "
        _a._tcp SRV 0 0 80 a
        _b._udp SRV 0 0 80 a
        _c._tcp SRV 0 0 80 c
        _d._tcp SRV 0 0 80 elsewhere.example.net.
        _e._tcp SRV 0 0 80 a
        a A 127.0.0.1
        c A 127.0.0.2
    ";
    let config = "[health]\nprobe-deny = [\"127.0.0.2\"]\n[[service]]\nmatch = \"_e._tcp.example.com\"\ncheck = { kind = \"none\" }";
    let lowered = lower_one(config, text);
    let keeps = ["_a._tcp", "_b._udp", "_c._tcp", "_d._tcp", "_e._tcp"]
        .map(|owner| pool(&lowered, &format!("{owner}.example.com.")).pool.settings.keeps_ttl);
    assert_eq!(keeps, [false, true, true, false, true]);
}

#[test]
fn what_is_posted_counts_at_once_and_its_name_is_known_to_the_engine() {
    let config = "[[service]]\nmatch = \"_a._tcp.example.com\"\nfall = 5\ncheck = { kind = \"push\", name = \"n\" }\n";
    let lowered = lower_one(config, "_a._tcp SRV 0 0 7000 a\na A 127.0.0.1\n");
    let settings = lowered.setup.targets.iter().map(|(_, target)| (target.settings.fall, target.settings.rise));
    assert_eq!(settings.collect::<Vec<_>>(), [(1, 1)]);
    assert!(lowered.setup.posts.contains("n"));
}

#[test]
fn programs_are_refused_unless_health_allows_them() {
    let check = "{ kind = \"not\", check = { kind = \"exec\", program = \"/bin/true\" } }";
    let config = format!("[[service]]\nmatch = \"_a._tcp.example.com\"\ncheck = {check}\n");
    let lowered = lower_one(&config, "_a._tcp SRV 0 0 7000 a\na A 127.0.0.1\n");
    assert_eq!(faults(&lowered), [("check-exec-off", 4)]);
}

#[test]
fn a_ping_of_addresses_needs_no_port() {
    let config = "[[address]]\nname = \"www.example.com\"\ntiers = [[\"127.0.0.1\"]]\ncheck = { kind = \"icmp\" }\n";
    let lowered = lower_one(config, "www A 127.0.0.1\n");
    assert_eq!(faults(&lowered), []);
    assert!(lowered.specs.iter().all(|(_, spec)| spec.is_some()), "it is tested though the port is 0");
}

#[test]
fn a_sip_check_goes_over_what_the_owner_or_the_config_says() {
    let zone = "\
_sip._udp SRV 10 0 5060 node
_sips._tcp SRV 10 0 5061 node
_foo._udp SRV 10 0 5070 node
_bar._tcp SRV 10 0 5080 node
node A 127.0.1.1
";
    let config = "
[[service]]
match = \"_foo._udp.example.com\"
check = { kind = \"sip\", mode = \"strict\", max-forwards = 5 }
[[service]]
match = \"_bar._tcp.example.com\"
check = { kind = \"sip\", transport = \"tls\", name = \"Other.example\", expect = [\"2xx\", 483] }
";
    let lowered = lower_one(config, zone);
    let probed = |owner: &str| {
        let pool = pool(&lowered, owner);
        let target = &lowered.setup.targets[pool.members[0].targets[0]];
        format!("{} {} {}", target.key.kind, target.key.transport, target.key.parameters)
    };
    assert_eq!(probed("_sip._udp.example.com."), "sip udp domain=example.com");
    assert_eq!(probed("_sips._tcp.example.com."), "sip tls name=example.com");
    assert_eq!(probed("_foo._udp.example.com."), "sip udp domain=example.com expect=2xx max-forwards=5");
    assert_eq!(probed("_bar._tcp.example.com."), "sip tls name=other.example expect=2xx,483");
}

#[test]
fn a_connect_in_place_of_the_protocol_is_noted_once_for_each_entry() {
    let zone = "\
_sip._udp SRV 10 0 5060 node
_sip._tcp SRV 10 0 5060 node
_chat._tcp SRV 10 0 1430 node
node A 127.0.1.1
";
    let with = |check: &str| {
        let config = format!(
            "[[service]]\nmatch = \"_sip.*.example.com\"\ncheck = {check}\n[[service]]\nmatch = \"_chat._tcp.example.com\"\ncheck = {{ kind = \"tcp\" }}\n"
        );
        lower_one(&config, zone)
    };
    let lowered = with("{ kind = \"tcp\" }");
    assert_eq!(notes(&lowered), ["tested by a TCP connect only, not by SIP: _sip._tcp.example.com. and 1 more"]);
    assert_eq!(lowered.findings[0].place.as_ref().map(|place| place.line), Some(3));
    for deeper in [
        "{ kind = \"sip\" }",
        "{ kind = \"tcp\", send = \"x\", expect = \"y\" }",
        "{ kind = \"tls\" }",
        "{ kind = \"none\" }",
    ] {
        assert_eq!(notes(&with(deeper)), Vec::<&str>::new(), "{deeper}");
    }
}

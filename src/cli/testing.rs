//! For tests of what commands print: setups of small zones, and the health of their targets.

use std::sync::Arc;

use crate::admin::view::{HealthView, StatusView};
use crate::base::clock::{Mono, Now, UnixTime};
use crate::base::table::Table;
use crate::config::lower::LoweringInput;
use crate::engine::setup::{Setup, ZoneSetup};
use crate::resolve::Addresses;
use crate::zone::parse::{NoSources, Origin, parse};

use super::line::{Line, text};
use super::offline::{self, Belief};
use super::paint::Paint;

/// Two servers that share the work, a standby; a service without a check; a name without any health.
pub(super) const SIP: &str = "\
$ORIGIN example.com.
$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 604800 30
@ IN NS ns1
ns1 IN A 127.0.0.1
_sip._tcp IN SRV 10 70 5060 sip-node1
_sip._tcp IN SRV 10 30 5060 sip-node2
_sip._tcp IN SRV 20 0 5060 sip-dr
_foo._udp IN SRV 10 0 7 sip-node1
sip-node1 IN A 127.0.0.11
sip-node1 IN A 127.0.0.13
sip-node2 IN A 127.0.0.12
sip-dr IN A 127.0.0.21
*.wild IN A 127.0.0.5
sub IN NS ns.sub
ns.sub IN A 127.0.0.6
";

/// The moment at which everything in a test happens.
pub(super) fn now() -> Now {
    Now { mono: Mono::START, wall: UnixTime::from_secs(1_800_000_000) }
}

/// Lowers a zone without a config.
pub(super) fn setup(zone: &str) -> Setup {
    resolved(zone, &Addresses::new())
}

/// Lowers a zone without a config, with these addresses of hosts outside of it.
pub(super) fn resolved(zone: &str, addresses: &Addresses) -> Setup {
    let parsed = parse("test.zone", zone.as_bytes(), Origin::Unknown, &mut NoSources);
    let zone = parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings));
    let mut zones = Table::new();
    zones.push(ZoneSetup { origin: zone.origin().clone(), zone: Some(Arc::new(zone)), is_judged_upstream: false });
    LoweringInput { zones, ..LoweringInput::default() }.lower(addresses).setup
}

/// Makes a core without state in which these words are down.
pub(super) fn core(setup: &Setup, down: &[&str]) -> (crate::engine::Core, Belief) {
    let words: Vec<String> = down.iter().map(|word| (*word).to_owned()).collect();
    let assumed = offline::find(setup, &words);
    assert!(assumed.unknown.is_empty(), "{:?}", assumed.unknown);
    let mut belief = Belief::default();
    (belief.core(setup, &assumed.targets, now()), belief)
}

/// Pictures a server of the SIP zone in which all is up.
pub(super) fn sip_status() -> StatusView {
    let health = HealthView { live: true, ready: true, remark: None };
    StatusView::of(&core(&setup(SIP), &[]).0.status(now()), &[], health, now())
}

/// Prints lines without colours.
pub(super) fn plain(lines: &[Line]) -> String {
    text(lines, Paint::new(false))
}

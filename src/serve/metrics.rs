//! The metrics of the listeners.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use arc_swap::Guard;
use foldhash::quality::RandomState;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::base::table::RowId;
use crate::snapshot::ZoneId;
use crate::zone::Name;

use super::rcode::Rcode;
use super::sharded::Sharded;
use super::{Live, PerTransport, Transport};

/// Handles of the counters; clones count into the same. No lock is taken to count, and threads that count do not meet.
#[derive(Clone, Debug)]
pub struct Metrics {
    transports: PerTransport<TransportCounters>,
    /// One for each of [`OPCODES`], the last for all others.
    opcodes: [Count; OPCODES.len() + 1],
    slipped: Count,
    withheld: Count,
    workers_restarted: Count,
    zones: Live<ZoneCounts>,
    zone_family: Family<ZoneLabels, Count>,
}

/// The counters of zones.
#[derive(Debug, Default)]
pub(super) struct ZoneCounts {
    /// In the order of the setup, which is that of the image's numbers but for a moment at a reload.
    counts: Vec<(Name, [Count; 3])>,
    numbers: HashMap<Name, usize, RandomState>,
}

/// A counter.
pub(super) type Count = Counter<u64, Sharded>;

/// The counters of one transport.
#[derive(Clone, Debug)]
struct TransportCounters {
    queries: Count,
    dropped: Count,
    truncated: Count,
    /// One for each of [`RCODES`], the last for all others.
    responses: [Count; RCODES.len() + 1],
    connections: Gauge<i64, AtomicI64>,
    /// One for each [`CloseReason`].
    ends: [Count; CloseReason::ALL.len()],
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed it, or broke it.
    Client,
    /// Nothing came for too long, or no whole query.
    Idle,
    /// It made room for another one.
    Evicted,
    /// The handshake failed or took too long.
    Handshake,
    /// The client broke the rules of the protocol.
    Protocol,
    /// The server stops.
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabels {
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResponseLabels {
    transport: &'static str,
    rcode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    transport: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpcodeLabels {
    opcode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ZoneLabels {
    zone: String,
    rcode: &'static str,
}

impl Metrics {
    /// Registers the counters.
    pub fn register(registry: &mut Registry) -> Self {
        let queries = Family::<TransportLabels, Count>::default();
        let dropped = Family::<TransportLabels, Count>::default();
        let truncated = Family::<TransportLabels, Count>::default();
        let responses = Family::<ResponseLabels, Count>::default();
        let connections = Family::<TransportLabels, Gauge>::default();
        let ends = Family::<EndLabels, Count>::default();
        let opcodes = Family::<OpcodeLabels, Count>::default();
        let limited = Family::<LimitLabels, Count>::default();
        let zone_family = Family::<ZoneLabels, Count>::default();
        let workers_restarted = Count::default();
        let counters = |transport: Transport| {
            let transport = transport.as_str();
            TransportCounters {
                queries: queries.get_or_create_owned(&TransportLabels { transport }),
                dropped: dropped.get_or_create_owned(&TransportLabels { transport }),
                truncated: truncated.get_or_create_owned(&TransportLabels { transport }),
                responses: std::array::from_fn(|place| {
                    let rcode = RCODES.get(place).map_or("other", |(_, name)| *name);
                    responses.get_or_create_owned(&ResponseLabels { transport, rcode })
                }),
                connections: connections.get_or_create_owned(&TransportLabels { transport }),
                ends: CloseReason::ALL
                    .map(|end| ends.get_or_create_owned(&EndLabels { transport, reason: end.as_str() })),
            }
        };
        let opcode = |place: usize| {
            let opcode = OPCODES.get(place).map_or("other", |(_, name)| *name);
            opcodes.get_or_create_owned(&OpcodeLabels { opcode })
        };
        let metrics = Self {
            transports: PerTransport::new(counters),
            opcodes: std::array::from_fn(opcode),
            slipped: limited.get_or_create_owned(&LimitLabels { action: "truncated" }),
            withheld: limited.get_or_create_owned(&LimitLabels { action: "dropped" }),
            workers_restarted: workers_restarted.clone(),
            zones: Live::new(ZoneCounts::default()),
            zone_family: zone_family.clone(),
        };
        registry.register("dns_queries", "Packets that arrived", queries);
        registry.register("dns_dropped", "Packets that were not answered", dropped);
        registry.register("dns_truncated", "Answers with the TC bit", truncated);
        registry.register("dns_responses", "Answers by response code", responses);
        registry.register("dns_connections", "Connections that are open", connections);
        registry.register("dns_connections_ended", "Connections that ended, and why", ends);
        registry.register("dns_opcodes", "Queries by operation", opcodes);
        registry.register("dns_rate_limited", "Answers beyond the rate of their network", limited);
        registry.register("dns_zone_responses", "Answers by zone", zone_family);
        registry.register("dns_workers_restarted", "Workers for UDP that began anew after a panic", workers_restarted);
        metrics
    }

    /// Counts a packet that arrived.
    pub fn query(&self, transport: Transport) {
        self.counters(transport).queries.inc();
    }

    /// Counts a packet that is not answered.
    pub fn dropped(&self, transport: Transport) {
        self.counters(transport).dropped.inc();
    }

    /// Counts an answer.
    pub fn response(&self, transport: Transport, rcode: Rcode, truncated: bool) {
        let counters = self.counters(transport);
        let place = RCODES.iter().position(|(known, _)| *known == rcode).unwrap_or(RCODES.len());
        if let Some(counter) = counters.responses.get(place) {
            counter.inc();
        }
        if truncated {
            counters.truncated.inc();
        }
    }

    /// Counts a query's operation.
    pub fn opcode(&self, opcode: u8) {
        let place = OPCODES.iter().position(|(known, _)| *known == opcode).unwrap_or(OPCODES.len());
        if let Some(counter) = self.opcodes.get(place) {
            counter.inc();
        }
    }

    /// Counts an answer beyond the rate of its network: truncated, or dropped.
    pub fn limited(&self, slips: bool) {
        if slips { &self.slipped } else { &self.withheld }.inc();
    }

    /// Counts a worker that began anew.
    pub fn worker_restarted(&self) {
        self.workers_restarted.inc();
    }

    /// Returns the counters of zones, for [`zone`](Self::zone).
    pub(super) fn zones(&self) -> Guard<Arc<ZoneCounts>> {
        self.zones.load()
    }

    /// Counts an answer from a zone; one from none, or from one that is not counted, is left out. If the zone's number is
    /// known it is found sooner.
    pub(super) fn zone(zones: &ZoneCounts, zone: Option<(&Name, Option<ZoneId>)>, rcode: Rcode) {
        if let Some([good, missing, other]) = zone.and_then(|(origin, number)| zones.find(origin, number)) {
            match rcode {
                Rcode::NOERROR => good.inc(),
                Rcode::NXDOMAIN => missing.inc(),
                Rcode(_) => other.inc(),
            };
        }
    }

    /// Counts by these zones from now on: the first [`ZONES`] of them. Those that are gone keep their last figures.
    pub fn set_zones<'z>(&self, origins: impl Iterator<Item = &'z Name>) {
        let counters = |origin: &Name| {
            let zone = origin.to_lower().to_string();
            ["noerror", "nxdomain", "other"]
                .map(|rcode| self.zone_family.get_or_create_owned(&ZoneLabels { zone: zone.clone(), rcode }))
        };
        let counts: Vec<_> = origins.take(ZONES).map(|origin| (origin.clone(), counters(origin))).collect();
        let numbers = counts.iter().enumerate().map(|(number, (origin, _))| (origin.clone(), number)).collect();
        self.zones.set(ZoneCounts { counts, numbers });
    }

    /// Counts a connection that opens.
    pub(super) fn opened(&self, transport: Transport) {
        self.counters(transport).connections.inc();
    }

    /// Counts a handshake that came to nothing before there was a connection.
    pub(super) fn turned_away(&self, transport: Transport) {
        if let Some(counter) = self.counters(transport).ends.get(CloseReason::Handshake.number()) {
            counter.inc();
        }
    }

    /// Counts a connection that has ended.
    pub(super) fn ended(&self, transport: Transport, end: CloseReason) {
        let counters = self.counters(transport);
        counters.connections.dec();
        if let Some(counter) = counters.ends.get(end.number()) {
            counter.inc();
        }
    }

    const fn counters(&self, transport: Transport) -> &TransportCounters {
        self.transports.get(transport)
    }
}

impl ZoneCounts {
    fn find(&self, origin: &Name, number: Option<ZoneId>) -> Option<&[Count; 3]> {
        let at = number.and_then(|number| self.counts.get(number.index()));
        let found = at.filter(|(known, _)| known.wire() == origin.wire());
        let (_, counts) = found.or_else(|| self.counts.get(*self.numbers.get(origin)?))?;
        Some(counts)
    }
}

impl CloseReason {
    const ALL: [Self; 6] = [Self::Client, Self::Idle, Self::Evicted, Self::Handshake, Self::Protocol, Self::Stopped];

    const fn number(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Idle => 1,
            Self::Evicted => 2,
            Self::Handshake => 3,
            Self::Protocol => 4,
            Self::Stopped => 5,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Idle => "idle",
            Self::Evicted => "evicted",
            Self::Handshake => "handshake",
            Self::Protocol => "protocol",
            Self::Stopped => "stopped",
        }
    }
}

const RCODES: [(Rcode, &str); 9] = [
    (Rcode::NOERROR, "noerror"),
    (Rcode::NXDOMAIN, "nxdomain"),
    (Rcode::REFUSED, "refused"),
    (Rcode::SERVFAIL, "servfail"),
    (Rcode::FORMERR, "formerr"),
    (Rcode::NOTIMP, "notimp"),
    (Rcode::YXDOMAIN, "yxdomain"),
    (Rcode::NOTAUTH, "notauth"),
    (Rcode::BADVERS, "badvers"),
];

const OPCODES: [(u8, &str); 4] = [(0, "query"), (2, "status"), (4, "notify"), (5, "update")];

/// How many zones are counted one by one: a server of many more would tell too much to gather.
const ZONES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_a_thousand_zones_none_is_counted_by_itself() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let zones: Vec<Name> = (0..=ZONES).map(|number| format!("z{number}.").parse().unwrap()).collect();
        metrics.set_zones(zones.iter());
        for (number, zone) in zones.iter().enumerate() {
            // Numbers may be those of another setup.
            let number = Some(ZoneId::from_index(number / 7 * 7)).filter(|_| number % 3 > 0);
            Metrics::zone(&metrics.zones(), Some((zone, number)), Rcode::NOERROR);
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let counted = |zone: &str| text.contains(&format!("zone=\"{zone}\",rcode=\"noerror\"}} 1\n"));
        assert_eq!((counted("z999."), counted("z1000.")), (true, false));
        assert_eq!(text.matches("rcode=\"nxdomain\"} 0\n").count(), ZONES + Transport::ALL.len());
    }

    #[test]
    fn counts_by_transport_operation_code_and_zone() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let zone: Name = "Example.com.".parse().unwrap();
        metrics.set_zones([&zone].into_iter());
        metrics.query(Transport::Udp);
        metrics.opcode(0);
        metrics.opcode(9);
        metrics.response(Transport::Udp, Rcode::NXDOMAIN, true);
        metrics.response(Transport::Tcp, Rcode(23), false);
        let zones = metrics.zones();
        Metrics::zone(&zones, Some((&"example.COM.".parse().unwrap(), None)), Rcode::NXDOMAIN);
        Metrics::zone(&zones, None, Rcode::REFUSED);
        metrics.limited(true);
        metrics.opened(Transport::Quic);
        metrics.opened(Transport::Quic);
        metrics.ended(Transport::Quic, CloseReason::Evicted);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "dns_queries_total{transport=\"udp\"} 1",
            "dns_opcodes_total{opcode=\"query\"} 1",
            "dns_opcodes_total{opcode=\"other\"} 1",
            "dns_truncated_total{transport=\"udp\"} 1",
            "dns_responses_total{transport=\"udp\",rcode=\"nxdomain\"} 1",
            "dns_responses_total{transport=\"tcp\",rcode=\"other\"} 1",
            "dns_dropped_total{transport=\"tcp\"} 0",
            "dns_zone_responses_total{zone=\"example.com.\",rcode=\"nxdomain\"} 1",
            "dns_rate_limited_total{action=\"truncated\"} 1",
            "dns_connections{transport=\"quic\"} 1",
            "dns_connections_ended_total{transport=\"quic\",reason=\"evicted\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}

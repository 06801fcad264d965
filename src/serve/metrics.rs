//! What the doors count.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Transport;
use super::plan::Rcode;

/// Handles of the counters; clones count into the same. No lock is taken to count.
#[derive(Clone, Debug)]
pub struct Metrics {
    doors: [Door; 2],
}

/// The counters of one transport.
#[derive(Clone, Debug)]
struct Door {
    queries: Counter<u64, AtomicU64>,
    dropped: Counter<u64, AtomicU64>,
    truncated: Counter<u64, AtomicU64>,
    /// One for each of [`RCODES`], the last for all others.
    responses: [Counter<u64, AtomicU64>; RCODES.len() + 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DoorLabels {
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResponseLabels {
    transport: &'static str,
    rcode: &'static str,
}

impl Metrics {
    /// Registers the counters.
    pub fn register(registry: &mut Registry) -> Self {
        let queries = Family::<DoorLabels, Counter>::default();
        let dropped = Family::<DoorLabels, Counter>::default();
        let truncated = Family::<DoorLabels, Counter>::default();
        let responses = Family::<ResponseLabels, Counter>::default();
        let door = |transport: &'static str| Door {
            queries: queries.get_or_create_owned(&DoorLabels { transport }),
            dropped: dropped.get_or_create_owned(&DoorLabels { transport }),
            truncated: truncated.get_or_create_owned(&DoorLabels { transport }),
            responses: std::array::from_fn(|place| {
                let rcode = RCODES.get(place).map_or("other", |(_, name)| *name);
                responses.get_or_create_owned(&ResponseLabels { transport, rcode })
            }),
        };
        let metrics = Self { doors: [door("udp"), door("tcp")] };
        registry.register("dns_queries", "Packets that arrived", queries);
        registry.register("dns_dropped", "Packets that were not answered", dropped);
        registry.register("dns_truncated", "Answers with the TC bit", truncated);
        registry.register("dns_responses", "Answers by response code", responses);
        metrics
    }

    /// Counts a packet that arrived.
    pub fn query(&self, transport: Transport) {
        self.door(transport).queries.inc();
    }

    /// Counts a packet that is not answered.
    pub fn dropped(&self, transport: Transport) {
        self.door(transport).dropped.inc();
    }

    /// Counts an answer.
    pub fn response(&self, transport: Transport, rcode: Rcode, truncated: bool) {
        let door = self.door(transport);
        let place = RCODES.iter().position(|(known, _)| *known == rcode).unwrap_or(RCODES.len());
        if let Some(counter) = door.responses.get(place) {
            counter.inc();
        }
        if truncated {
            door.truncated.inc();
        }
    }

    const fn door(&self, transport: Transport) -> &Door {
        let [udp, tcp] = &self.doors;
        match transport {
            Transport::Udp => udp,
            Transport::Tcp => tcp,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_transport_and_code() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.query(Transport::Udp);
        metrics.response(Transport::Udp, Rcode::NXDOMAIN, true);
        metrics.response(Transport::Tcp, Rcode(23), false);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "dns_queries_total{transport=\"udp\"} 1",
            "dns_truncated_total{transport=\"udp\"} 1",
            "dns_responses_total{transport=\"udp\",rcode=\"nxdomain\"} 1",
            "dns_responses_total{transport=\"tcp\",rcode=\"other\"} 1",
            "dns_dropped_total{transport=\"tcp\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}

//! The query log: logs one in a number of queries, one line each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::info;

use crate::zone::Name;

use super::Client;
use super::query::QueryView;
use super::rcode::Rcode;

/// What a line says of the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered<'a> {
    pub(super) zone: Option<&'a Name>,
    pub(super) rcode: Rcode,
    pub(super) truncated: bool,
}

/// Which queries are told; clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    seen: Arc<AtomicU64>,
    /// The second of the last line and the lines told in it.
    told: Arc<AtomicU64>,
}

impl Sample {
    /// Tells a query, if it is one of the sample: the first, and then every `every`th; 0 tells none. More than
    /// [`LINES`] a second are not told.
    pub(super) fn log(&self, every: u32, client: Client, query: &QueryView<'_>, answered: Answered<'_>) {
        if every == 0 || !self.seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(u64::from(every)) {
            return;
        }
        if !self.has_room(client.now.mono.since_start().as_secs()) {
            return;
        }
        let asked = query.question.as_ref();
        let name = asked.and_then(|question| Name::from_wire(question.name).ok()).map(|name| name.to_string());
        info!(
            client.addr = %client.address,
            transport = client.transport.as_str(),
            query.name = name,
            query.rtype = asked.map(|question| question.rtype.to_string()),
            query.class = asked.map(|question| question.class),
            query.dnssec_ok = query.edns.is_some_and(|edns| edns.dnssec_ok),
            zone = answered.zone.map(ToString::to_string),
            rcode = answered.rcode.0,
            truncated = answered.truncated,
            "query"
        );
    }

    fn has_room(&self, second: u64) -> bool {
        let count = |told: u64| Some(if told >> 32 == second { told + 1 } else { second << 32 | 1 });
        let told = match self.told.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count) {
            Ok(told) | Err(told) => told,
        };
        told >> 32 != second || told & u64::from(u32::MAX) < LINES
    }
}

/// The most lines in a second: a terminal or a journal must not slow the answers down.
const LINES: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_room_for_so_many_lines_only() {
        let sample = Sample::default();
        for second in [7, 8] {
            let told = (0..1_000).filter(|_| sample.has_room(second)).count();
            assert_eq!(told, 100);
        }
    }
}

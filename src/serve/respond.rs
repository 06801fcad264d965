//! From packet to packet: what every door calls.

use std::sync::Arc;

use crate::snapshot::{Reader, Snapshot};

use super::plan::{Plan, Rcode};
use super::query::{Malformed, QueryView};
use super::{Context, Metrics, Readiness, Settings, Transport, answer, chaos, limit, render, render_fault};

/// All that answering needs; cheap to clone, one for each door.
#[derive(Clone, Debug)]
pub struct Responder {
    /// Where snapshots come from.
    pub reader: Reader,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Whether to answer at all.
    pub readiness: Readiness,
    /// The counters.
    pub metrics: Metrics,
}

impl Responder {
    /// Answers one packet with the current snapshot; returns false, and leaves `message` alone, if silence is the
    /// answer.
    pub fn respond(&self, packet: &[u8], transport: Transport, message: &mut Vec<u8>) -> bool {
        self.respond_from(&self.reader.load(), packet, transport, message)
    }

    /// Answers one packet with a snapshot that the caller has loaded.
    pub fn respond_from(
        &self,
        snapshot: &Snapshot,
        packet: &[u8],
        transport: Transport,
        message: &mut Vec<u8>,
    ) -> bool {
        self.consider(snapshot, packet, transport, |verdict| match verdict {
            Verdict::Fault(header) => {
                render_fault(header, Rcode::FORMERR, message);
                false
            }
            Verdict::Answer(plan, query, limit) => render(plan, query, limit, message),
        })
    }

    /// Decides about a packet and hands what is to be sent to `send`, which returns whether the answer is truncated.
    pub(super) fn consider(
        &self,
        snapshot: &Snapshot,
        packet: &[u8],
        transport: Transport,
        send: impl FnOnce(Verdict<'_>) -> bool,
    ) -> bool {
        self.metrics.query(transport);
        let status = self.readiness.load();
        let query = match QueryView::parse(packet) {
            Ok(query) => query,
            Err(Malformed::Faulty(header)) if status.answering => {
                send(Verdict::Fault(header));
                self.metrics.response(transport, Rcode::FORMERR, false);
                return true;
            }
            Err(Malformed::Silent | Malformed::Faulty(_)) => {
                self.metrics.dropped(transport);
                return false;
            }
        };
        if !status.answering && !query.question.is_some_and(|question| chaos::asks_readiness(&question)) {
            self.metrics.dropped(transport);
            return false;
        }
        let context =
            Context { settings: &self.settings, status: &status, transport, rotation: rotation(query.header.id) };
        let plan = answer(snapshot, &query, &context);
        let truncated = send(Verdict::Answer(&plan, &query, limit(&query, &context)));
        self.metrics.response(transport, plan.rcode, truncated);
        true
    }
}

/// What becomes of a packet that is not met by silence.
pub(super) enum Verdict<'v> {
    /// FORMERR with the header alone.
    Fault(super::Header),
    /// A plan, to be rendered within so many octets.
    Answer(&'v Plan<'v>, &'v QueryView<'v>, usize),
}

/// Resolvers choose the number of each query at random (RFC 5452 §9.2): so it also turns the records of a set.
const fn rotation(id: u16) -> u16 {
    id
}

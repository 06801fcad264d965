//! From packet to packet: what every door calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::error;

use crate::base::clock::Clock;
use crate::snapshot::{Reader, Snapshot};

use super::plan::{Plan, Rcode};
use super::query::{Malformed, QueryView};
use super::rate::Pass;
use super::{
    Client, Context, Limiter, Live, Metrics, Readiness, Secrets, Settings, Transport, answer, chaos, limit, log,
    render, render_fault,
};

/// All that answering needs; cheap to clone, one for each door.
#[derive(Clone, Debug)]
pub struct Responder {
    reader: Reader,
    settings: Live<Settings>,
    secrets: Live<Secrets>,
    readiness: Readiness,
    metrics: Metrics,
    limiter: Arc<Limiter>,
    sample: log::Sample,
    clock: Clock,
}

/// What a [`Responder`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// Where snapshots come from.
    pub reader: Reader,
    /// The settings.
    pub settings: Settings,
    /// The secrets of cookies.
    pub secrets: Secrets,
    /// Whether to answer at all.
    pub readiness: Readiness,
    /// The counters.
    pub metrics: Metrics,
    /// The buckets of response rate limiting.
    pub limiter: Limiter,
    /// The clock.
    pub clock: Clock,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The response code.
    pub rcode: Rcode,
    /// Whether the answer bears the TC bit.
    pub truncated: bool,
    /// How long it may be cached in seconds; nothing if it may not.
    pub lifetime: Option<u32>,
}

impl Responder {
    /// Joins the parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { reader, settings, secrets, readiness, metrics, limiter, clock } = parts;
        let (settings, secrets, limiter) = (Live::new(settings), Live::new(secrets), Arc::new(limiter));
        Self { reader, settings, secrets, readiness, metrics, limiter, sample: log::Sample::default(), clock }
    }

    /// Returns where snapshots come from.
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Returns the settings, to be read or replaced.
    pub const fn settings(&self) -> &Live<Settings> {
        &self.settings
    }

    /// Returns the secrets of cookies, to be read or replaced.
    pub const fn secrets(&self) -> &Live<Secrets> {
        &self.secrets
    }

    /// Returns whether it answers at all.
    pub const fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Returns the counters.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the clock.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Answers one packet with the current snapshot; nothing, and `message` is left alone, if silence is the answer. A
    /// packet that trips a bug is met by silence, and the door stays open.
    pub fn respond(&self, packet: &[u8], client: Client, message: &mut Vec<u8>) -> Option<Sent> {
        let respond = AssertUnwindSafe(|| self.respond_from(&self.reader.load(), packet, client, message));
        catch_unwind(respond).unwrap_or_else(|_| {
            error!(client.addr = %client.address, octets = packet.len(), "a query tripped a bug and is not answered");
            None
        })
    }

    /// Answers one packet with a snapshot that the caller has loaded.
    pub fn respond_from(
        &self,
        snapshot: &Snapshot,
        packet: &[u8],
        client: Client,
        message: &mut Vec<u8>,
    ) -> Option<Sent> {
        self.consider(snapshot, packet, client, |verdict| match verdict {
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
        client: Client,
        send: impl FnOnce(Verdict<'_>) -> bool,
    ) -> Option<Sent> {
        let transport = client.transport;
        self.metrics.query(transport);
        let status = self.readiness.load();
        let query = match QueryView::parse(packet) {
            Ok(query) => query,
            Err(Malformed::Faulty(header)) if status.answering => {
                self.metrics.opcode(header.opcode());
                send(Verdict::Fault(header));
                self.metrics.response(transport, Rcode::FORMERR, false);
                return Some(Sent { rcode: Rcode::FORMERR, truncated: false, lifetime: None });
            }
            Err(Malformed::Silent | Malformed::Faulty(_)) => {
                self.metrics.dropped(transport);
                return None;
            }
        };
        self.metrics.opcode(query.header.opcode());
        if !status.answering && !query.question.is_some_and(|question| chaos::asks_readiness(&question)) {
            self.metrics.dropped(transport);
            return None;
        }
        let (settings, secrets) = (self.settings.load(), self.secrets.load());
        let rotation = rotation(query.header.id);
        let context = Context { settings: &settings, status: &status, client, secrets: &secrets, rotation };
        let mut plan = answer(snapshot, &query, &context);
        let proven = plan.proves_address(transport);
        if !proven {
            match self.limiter.judge(settings.rates, client.address, &plan, client.now.mono) {
                Pass::Whole => {}
                Pass::Slip => {
                    self.metrics.limited(true);
                    plan.cut = true;
                }
                Pass::Drop => {
                    self.metrics.limited(false);
                    return None;
                }
            }
        }
        let most = limit(&query, &context);
        let most = if proven || settings.amplification { most } else { most.min(packet.len()) };
        let truncated = send(Verdict::Answer(&plan, &query, most));
        self.metrics.response(transport, plan.rcode, truncated);
        self.metrics.zone(plan.zone, plan.rcode);
        self.sample.log(settings.query_log, client, &query, &plan, truncated);
        Some(Sent { rcode: plan.rcode, truncated, lifetime: plan.lifetime() })
    }
}

/// What becomes of a packet that is not met by silence.
pub(super) enum Verdict<'v> {
    /// FORMERR with the header alone.
    Fault(super::Header),
    /// A plan, to be rendered within so many octets.
    Answer(&'v Plan<'v>, &'v QueryView<'v>, usize),
}

impl Plan<'_> {
    /// Returns whether the client owns its address: by its transport's handshake, or by a cookie.
    fn proves_address(&self, transport: Transport) -> bool {
        let cookie = self.edns.as_ref().and_then(|reply| reply.cookie);
        transport.proves_address() || cookie.is_some_and(|cookie| cookie.proven)
    }

    /// Returns the shortest TTL of an answer or a denial, in seconds.
    fn lifetime(&self) -> Option<u32> {
        let told = matches!(self.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        let ttls = self.answer.iter().chain(self.authority.iter()).map(|item| item.ttl);
        ttls.min().filter(|_| told)
    }
}

/// Resolvers choose the number of each query at random (RFC 5452 §9.2): so it also turns the records of a set.
const fn rotation(id: u16) -> u16 {
    id
}

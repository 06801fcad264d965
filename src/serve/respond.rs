//! From packet to packet: what every listener calls.
//!
//! A listener takes a [`Batch`] for the packets that have arrived, and each answer is written into its own buffer.
//! Shared state (snapshot, settings, secrets, readiness, time) is read once for the batch.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arc_swap::Guard;
use tokio::sync::mpsc;
use tracing::error;

use crate::base::clock::{Clock, Now};
use crate::snapshot::{Snapshot, SnapshotReader};
use crate::transfer::inbound::Notified;
use crate::transfer::tsig::Signer;
use crate::transfer::{Ledger, Metrics as TransferMetrics, Outbound, Permits};

use super::answer::answer_into;
use super::live::{Part, State};
use super::log::Answered;
use super::metrics::ZoneCounts;
use super::plain::Sections;
use super::plan::Plan;
use super::query::{CLASS_IN, Header, Malformed, OPCODE_NOTIFY, QueryView, Signed};
use super::rate::{Kind, Pass};
use super::rcode::Rcode;
use super::signing::{self, Rest};
use super::view::ClientView;
use super::{
    Client, Context, Limiter, Live, Metrics, Readiness, Secrets, Settings, Transport, chaos, edns, expire, limit, log,
    plain, render, render_fault, transfer,
};

/// All that answering needs; cheap to clone, one for each listener.
#[derive(Clone, Debug)]
pub struct Responder {
    reader: SnapshotReader,
    state: Live<State>,
    readiness: Readiness,
    transfers: Permits,
    notified: Option<mpsc::Sender<Notified>>,
    metrics: Metrics,
    limiter: Arc<Limiter>,
    sample: log::Sample,
    clock: Clock,
}

/// What a [`Responder`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// Where snapshots come from.
    pub reader: SnapshotReader,
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
#[derive(Debug)]
pub struct Sent {
    /// The response code.
    pub rcode: Rcode,
    /// Whether the answer bears the TC bit.
    pub truncated: bool,
    /// How long it may be cached in seconds; nothing if it may not.
    pub lifetime: Option<u32>,
    /// The messages behind the first one; nothing if it is the only one.
    pub rest: Option<Rest>,
}

/// What packets that arrive together are answered with: all of them see the same. Hold it no longer than that.
pub struct Batch<'r> {
    responder: &'r Responder,
    snapshot: Guard<Arc<Snapshot>>,
    state: Guard<Arc<State>>,
    zones: Guard<Arc<ZoneCounts>>,
    now: Now,
}

/// What becomes of a packet that is not met by silence.
#[derive(Debug)]
pub(super) enum Verdict<'v> {
    /// FORMERR with the header alone.
    Fault(Header),
    /// The plan, to be rendered within so many octets, and who signs it behind them.
    Answer(QueryView<'v>, usize, Option<Signer>),
}

/// By which road a packet is answered.
enum Road {
    /// By the general one; nothing is counted yet.
    General,
    /// At once, or by silence.
    Plain(Option<Sent>),
}

impl Responder {
    /// Joins the parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { reader, settings, secrets, readiness, metrics, limiter, clock } = parts;
        let state = readiness.state().clone();
        state.settings().set(settings);
        state.secrets().set(secrets);
        let transfers = Permits::new(TransferMetrics::default(), Ledger::default());
        let (limiter, sample) = (Arc::new(limiter), log::Sample::default());
        Self { reader, state, readiness, transfers, notified: None, metrics, limiter, sample, clock }
    }

    /// Hands on what primaries tell. What finds no room is dropped: those before it have the zones asked for too.
    #[must_use]
    pub fn with_notified(self, notified: mpsc::Sender<Notified>) -> Self {
        Self { notified: Some(notified), ..self }
    }

    /// Counts transfers here.
    #[must_use]
    pub fn with_transfers(self, transfers: Permits) -> Self {
        Self { transfers, ..self }
    }

    /// Returns where snapshots come from.
    pub const fn reader(&self) -> &SnapshotReader {
        &self.reader
    }

    /// Returns the settings, to be read or replaced.
    pub fn settings(&self) -> Part<Settings> {
        self.state.settings()
    }

    /// Returns the secrets of cookies, to be read or replaced.
    pub fn secrets(&self) -> Part<Secrets> {
        self.state.secrets()
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

    /// Takes what the packets that have arrived are answered with.
    pub fn batch(&self) -> Batch<'_> {
        let (snapshot, state, zones) = (self.reader.load(), self.state.load(), self.metrics.zones());
        Batch { responder: self, snapshot, state, zones, now: self.clock.now() }
    }

    /// Answers one packet that came alone, as [`Batch::respond`] does.
    pub fn respond(&self, packet: &[u8], client: Client, message: &mut Vec<u8>) -> Option<Sent> {
        self.batch().respond(packet, client, message)
    }
}

impl Batch<'_> {
    /// Makes a client that came with this batch.
    pub fn client(&self, address: SocketAddr, transport: Transport) -> Client {
        Client::new(address, transport, self.now)
    }

    /// Writes the answer to one packet into `message`; nothing, and `message` means nothing, if silence is the answer. A
    /// packet that trips a bug is met by silence, and the listener goes on.
    pub fn respond(&self, packet: &[u8], client: Client, message: &mut Vec<u8>) -> Option<Sent> {
        let respond = AssertUnwindSafe(|| self.write(packet, client, message));
        catch_unwind(respond).unwrap_or_else(|_| {
            error!(client.addr = %client.address, octets = packet.len(), "a query tripped a bug and is not answered");
            None
        })
    }

    fn write(&self, packet: &[u8], client: Client, message: &mut Vec<u8>) -> Option<Sent> {
        let read = QueryView::parse(packet);
        if let (Ok(query), true) = (&read, client.transport.kind().is_datagram)
            && let Road::Plain(sent) = self.write_plainly(query, packet.len(), client, message)
        {
            return sent;
        }
        self.write_generally(read, packet.len(), client, message)
    }

    /// Answers at once if the question is plain.
    fn write_plainly(&self, query: &QueryView<'_>, octets: usize, client: Client, message: &mut Vec<u8>) -> Road {
        let Responder { metrics, limiter, sample, .. } = self.responder;
        let State { settings, secrets, status } = &**self.state;
        if !status.answering {
            return Road::General;
        }
        let context = Context { settings, status, client, secrets, rotation: rotation(query.header.id) };
        let view = ClientView::new(&self.snapshot, context);
        let Some(plain) = plain::write(view, query, &context, octets, message) else { return Road::General };
        metrics.query(client.transport);
        metrics.opcode(query.header.opcode());
        let pass = if plain.is_proven {
            Pass::Whole
        } else {
            limiter.judge(settings.rates, client.address, plain.kind(), client.now.mono)
        };
        if pass != Pass::Whole {
            metrics.limited(pass == Pass::Slip);
        }
        if pass == Pass::Drop {
            return Road::Plain(None);
        }
        let truncated = pass == Pass::Slip;
        plain.finish(query, truncated, message);
        let Sections { rcode, zone, lifetime, .. } = plain.sections;
        metrics.response(client.transport, rcode, truncated);
        Metrics::zone(&self.zones, Some((zone.origin(), Some(zone.id()))), rcode);
        sample.log(settings.query_log, client, query, Answered { zone: Some(zone.origin()), rcode, truncated });
        Road::Plain(Some(Sent { rcode, truncated, lifetime: Some(lifetime), rest: None }))
    }

    fn write_generally(
        &self,
        read: Result<QueryView<'_>, Malformed>,
        octets: usize,
        client: Client,
        message: &mut Vec<u8>,
    ) -> Option<Sent> {
        let mut plan = Plan::default();
        let mut verdict = self.decide(read, octets, client, &mut plan)?;
        let (mut truncated, mut rest) = (false, None);
        match &mut verdict {
            Verdict::Fault(header) => render_fault(*header, Rcode::FORMERR, message),
            Verdict::Answer(query, limit, signer) => {
                let outbound = self.begin_transfer(&mut plan, query, client, *limit, message);
                if outbound.is_none() {
                    truncated = render(&plan, query, *limit, message);
                }
                signing::after(signer.as_mut(), query, client.now.wall, *limit, message);
                let more = outbound.filter(|outbound| !outbound.is_done());
                rest = more.map(|outbound| Rest::new(Box::new(outbound), signer.take()));
            }
        }
        Some(Sent { rest, ..self.count(client, &verdict, &plan, truncated) })
    }

    /// Writes the first message of the transfer that a plan asks for; nothing if it asks for none, or none can begin.
    fn begin_transfer(
        &self,
        plan: &mut Plan<'_>,
        query: &QueryView<'_>,
        client: Client,
        limit: usize,
        message: &mut Vec<u8>,
    ) -> Option<Outbound> {
        let limits = (&self.responder.transfers, self.state.settings.transfer_limit);
        let mut outbound = transfer::begin(plan, query, client, &self.snapshot, limits)?;
        let is_datagram = client.transport.kind().is_datagram;
        if transfer::write_first(&mut outbound, is_datagram, limit, message) {
            return Some(outbound);
        }
        // Not even the SOA has room: over TCP it has.
        plan.truncate = true;
        None
    }

    /// Decides about a packet of so many octets: what becomes of it, and in `plan` what its answer holds; nothing if silence is the answer.
    /// Whoever renders it hands both to [`count`](Self::count).
    pub(super) fn decide<'p>(
        &'p self,
        read: Result<QueryView<'p>, Malformed>,
        octets: usize,
        client: Client,
        plan: &mut Plan<'p>,
    ) -> Option<Verdict<'p>> {
        let (metrics, transport) = (&self.responder.metrics, client.transport);
        let State { settings, secrets, status } = &**self.state;
        metrics.query(transport);
        let mut query = match read {
            Ok(query) => query,
            Err(Malformed::Faulty(header)) if status.answering => {
                metrics.opcode(header.opcode());
                plan.begin(CLASS_IN, 0, None);
                plan.rcode = Rcode::FORMERR;
                let limiter = &self.responder.limiter;
                if !transport.kind().proves_address
                    && limiter.judge(settings.rates, client.address, Kind::of(plan), client.now.mono) == Pass::Drop
                {
                    metrics.limited(false);
                    return None;
                }
                return Some(Verdict::Fault(header));
            }
            Err(Malformed::Silent | Malformed::Faulty(_)) => {
                metrics.dropped(transport);
                return None;
            }
        };
        metrics.opcode(query.header.opcode());
        if query.header.opcode() == OPCODE_NOTIFY && settings.primaries.is_empty() {
            // It is not implemented here: its question means nothing.
            query = QueryView { question: None, signed: Signed::No, since: None, ..query };
        }
        if !status.answering && !query.question.is_some_and(|question| chaos::asks_readiness(&question)) {
            metrics.dropped(transport);
            return None;
        }
        let signer = signing::before(&settings.keys, &mut query, client.now.wall);
        let rotation = rotation(query.header.id);
        let context = Context { settings, status, client, secrets, rotation };
        answer_into(&self.snapshot, &query, &context, plan);
        expire::tell(&self.snapshot, &query, &self.responder.transfers, client, plan);
        let proven = plan.proves_address(transport);
        if !proven {
            match self.responder.limiter.judge(settings.rates, client.address, Kind::of(plan), client.now.mono) {
                Pass::Whole => {}
                Pass::Slip => {
                    metrics.limited(true);
                    plan.truncate = true;
                }
                Pass::Drop => {
                    metrics.limited(false);
                    return None;
                }
            }
        }
        if let (Some(told), Some(notified)) = (plan.notified.take(), &self.responder.notified) {
            let _full = notified.try_send(told);
        }
        let most = limit(&query, &context);
        // RFC 7873 §5.2.3: who has none yet is given one.
        let room = if proven || settings.amplification { most } else { octets + plan.cookie_growth(&query) };
        let most = most.min(room);
        let room = signer.as_ref().map_or(0, Signer::room);
        Some(Verdict::Answer(query, most.saturating_sub(room), signer))
    }

    /// Counts and logs what was sent.
    pub(super) fn count(&self, client: Client, verdict: &Verdict<'_>, plan: &Plan<'_>, truncated: bool) -> Sent {
        let Responder { metrics, sample, .. } = self.responder;
        let Verdict::Answer(query, ..) = verdict else {
            metrics.response(client.transport, Rcode::FORMERR, false);
            return Sent { rcode: Rcode::FORMERR, truncated: false, lifetime: None, rest: None };
        };
        metrics.response(client.transport, plan.rcode, truncated);
        Metrics::zone(&self.zones, plan.zone.map(|origin| (origin, None)), plan.rcode);
        let answered = Answered { zone: plan.zone, rcode: plan.rcode, truncated };
        sample.log(self.state.settings.query_log, client, query, answered);
        Sent { rcode: plan.rcode, truncated, lifetime: plan.lifetime(), rest: None }
    }
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch of generation {}", self.snapshot.generation())
    }
}

impl Plan<'_> {
    /// Returns whether the client owns its address: by its transport's handshake, or by a cookie.
    fn proves_address(&self, transport: Transport) -> bool {
        let cookie = self.edns.as_ref().and_then(|reply| reply.cookie);
        transport.kind().proves_address || cookie.is_some_and(|cookie| cookie.proven)
    }

    /// Returns by how many octets the cookie of the answer is longer than that of the query.
    fn cookie_growth(&self, query: &QueryView<'_>) -> usize {
        edns::cookie_growth(self.edns.as_ref().and_then(|reply| reply.cookie).as_ref(), query)
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

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::base::table::Table;
    use crate::snapshot::{Image, Publisher, SlotId, ZoneId, ZoneInput};
    use crate::zone::{Name, Rtype, ZoneBuilder};

    const COOKIE: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08";

    /// A server of its own with its counters, over one zone.
    fn server() -> (Responder, Registry) {
        let origin: Name = "t.".parse().unwrap();
        let mut builder = ZoneBuilder::new(origin.clone());
        let soa = [b"\x01n\x01t\0\x01h\x01t\0".as_slice(), &[0, 0, 0, 1].repeat(5)].concat();
        builder.add(&origin, Rtype::SOA, 60, &soa).unwrap();
        builder.add(&"*.t.".parse().unwrap(), Rtype::TXT, 60, &[b"\x3f".as_slice(), &[b'x'; 63]].concat()).unwrap();
        let zone = ZoneInput { origin: origin.clone(), zone: Some(Arc::new(builder.finish().unwrap())) };
        let zones: Table<ZoneId, ZoneInput> = [zone].into_iter().collect();
        let image = Image::build(&zones, &Table::<SlotId, _>::new());
        let mut registry = Registry::default();
        let responder = Responder::new(Parts {
            reader: Publisher::new(Snapshot::first(Arc::new(image), Vec::new(), 1)).reader(),
            settings: Settings::default(),
            secrets: Secrets::new([1; 16]),
            readiness: Readiness::ready(),
            metrics: Metrics::register(&mut registry),
            limiter: Limiter::new([2; 16]),
            clock: Clock::start(),
        });
        responder.metrics().set_zones([&origin].into_iter());
        (responder, registry)
    }

    #[test]
    fn who_is_limited_and_what_is_counted_is_the_same_on_both_roads() {
        let ((plainly, plain_counts), (generally, general_counts)) = (server(), server());
        let now = plainly.clock().now();
        let query = |name: &[u8], opt: &[u8]| {
            let header = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(!opt.is_empty())];
            [&header, name, b"\0\x10\0\x01", opt].concat()
        };
        let packets = [query(b"\x01a\x01t\0", b""), query(b"\x01t\0", COOKIE), query(b"\x01b\x01t\0", COOKIE)];
        let (mut answered, mut truncated) = (0, 0);
        for amplification in [true, false] {
            let settings = Settings { amplification, ..Settings::default() };
            plainly.settings().set(settings.clone());
            generally.settings().set(settings);
            for number in 0..1_500_u16 {
                let client = SocketAddr::from(([198, 51, 100, 7], 53));
                let packet = packets.get(usize::from(number) % 3).unwrap();
                let (mut one, mut other) = (Vec::new(), Vec::new());
                let (first, second) = (plainly.batch(), generally.batch());
                let client = Client::new(client, Transport::Udp, now);
                let sent = first.respond(packet, client, &mut one);
                let expected = second.write_generally(QueryView::parse(packet), packet.len(), client, &mut other);
                let told = |sent: Option<Sent>| sent.map(|sent| (sent.rcode, sent.truncated, sent.lifetime));
                let (sent, expected) = (told(sent), told(expected));
                assert_eq!(sent, expected, "{number}");
                if sent.is_some() {
                    assert_eq!(one, other, "{number}");
                    answered += 1;
                    truncated += usize::from(one.get(2).is_some_and(|flags| flags & 2 != 0));
                }
            }
        }
        assert!((400..3_000).contains(&answered) && truncated > 100, "{answered} answered, {truncated} truncated");
        let text = |registry: &Registry| {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            // Their order differs from registry to registry.
            lines.sort();
            lines
        };
        assert_eq!(text(&plain_counts), text(&general_counts));
        let of_zone = "dns_zone_responses_total{zone=\"t.\",rcode=\"noerror\"}";
        assert!(text(&plain_counts).iter().any(|line| line.starts_with(of_zone) && !line.ends_with(" 0")));
    }
}

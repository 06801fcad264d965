//! The same plans behind the listeners of hickory-server.
//!
//! hickory 0.26.3 must never truncate: it leaves octets of rolled-back records in the message, drops OPT first and cuts
//! sets in their middle. So the message is measured with hickory's own encoder and cut here, by whole sets. Its server
//! logs two lines a response at level INFO: `hickory_server::server=warn` hides them.
//!
//! **Invariant:** no other file knows `hickory_server`; no handler waits for anything.

use std::future::Future;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::pin::Pin;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::NetError;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Edns, Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::NULL;
use hickory_server::proto::rr::rdata::opt::EdnsOption;
use hickory_server::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_server::proto::serialize::binary::{BinDecodable, BinDecoder, BinEncoder};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageRequest, MessageResponse, MessageResponseBuilder};

use crate::zone::Rtype;

use super::edns::Reply;
use super::plan::{Data, Item, Plan};
use super::query::QueryView;
use super::respond::Verdict;
use super::{Responder, Transport, render};

/// Listeners that answer until they are shut down.
pub struct Running {
    server: Server<Handler>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

/// A listener could not go on or not end.
#[derive(Debug, thiserror::Error)]
#[error("a DNS listener failed")]
pub struct Failed(#[source] NetError);

/// Answers on these sockets; `tcp_idle` ends connections that send nothing whole for so long. Call within a tokio
/// runtime.
///
/// # Errors
/// If a socket cannot be made non-blocking or registered.
pub fn serve(
    responder: &Responder,
    udp: Vec<UdpSocket>,
    tcp: Vec<TcpListener>,
    tcp_idle: Duration,
) -> io::Result<Running> {
    let mut server = Server::new(Handler { responder: responder.clone() });
    for socket in udp {
        socket.set_nonblocking(true)?;
        server.register_socket(tokio::net::UdpSocket::from_std(socket)?);
    }
    for listener in tcp {
        listener.set_nonblocking(true)?;
        server.register_listener(tokio::net::TcpListener::from_std(listener)?, tcp_idle, RESPONSE_BUFFER);
    }
    Ok(Running { server })
}

impl Running {
    /// Closes the listeners. Queries in flight get no answer.
    ///
    /// # Errors
    /// If a listener's task had failed.
    pub async fn shutdown(mut self) -> Result<(), Failed> {
        self.server.shutdown_gracefully().await.map_err(Failed)
    }
}

/// Answers hickory's requests.
#[derive(Debug)]
struct Handler {
    responder: Responder,
}

impl RequestHandler for Handler {
    // What `async_trait` makes of the trait's async function: nothing else here needs that crate.
    fn handle_request<'handler, 'request, 'answer, R, T>(
        &'handler self,
        request: &'request Request,
        mut listener: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'answer>>
    where
        R: ResponseHandler + 'answer,
        T: Time + 'answer,
        'handler: 'answer,
        'request: 'answer,
        Self: 'answer,
    {
        let response = self.responder.response(request);
        Box::pin(async move {
            let silent = ResponseInfo::from(Header { metadata: request.metadata, counts: HeaderCounts::default() });
            match response {
                Some(response) => listener.send_response(response.build(request)).await.unwrap_or(silent),
                None => silent,
            }
        })
    }
}

impl Responder {
    fn response(&self, request: &Request) -> Option<Response> {
        // As plain TCP behind every stream of hickory's: padding is not in reach of this renderer, nor is a TSIG record.
        let transport = if request.protocol() == Protocol::Udp { Transport::Udp } else { Transport::Tcp };
        let batch = self.batch();
        let client = batch.client(request.src(), transport);
        let mut plan = Plan::default();
        let verdict = batch.decide(request.as_slice(), client, &mut plan)?;
        let response = match &verdict {
            Verdict::Fault(_) => Response::fault(request),
            Verdict::Answer(query, limit, _) => Response::of(&plan, query, request).truncate(request, *limit),
        };
        batch.count(client, &verdict, &plan, response.metadata.truncation);
        Some(response)
    }
}

/// A plan in hickory's words.
#[derive(Debug)]
struct Response {
    metadata: Metadata,
    edns: Option<Edns>,
    answer: Section,
    authority: Section,
    additional: Section,
}

/// One section, and where its sets end.
#[derive(Debug, Default)]
struct Section {
    records: Vec<Record>,
    /// For each set how many records, and whether it is needed.
    sets: Vec<(usize, bool)>,
}

impl Response {
    fn fault(request: &MessageRequest) -> Self {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.response_code = ResponseCode::FormErr;
        let (answer, authority, additional) = Default::default();
        Self { metadata, edns: None, answer, authority, additional }
    }

    fn of(plan: &Plan<'_>, query: &QueryView<'_>, request: &MessageRequest) -> Self {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let [_, low] = (plan.rcode.0 & 0x0f).to_be_bytes();
        let [_, high] = (plan.rcode.0 >> 4).to_be_bytes();
        metadata.response_code = ResponseCode::from(high, low);
        metadata.authoritative = plan.authoritative;
        metadata.truncation = plan.truncate;
        let edns = plan.edns.as_ref().map(edns);
        if plan.truncate {
            let (answer, authority, additional) = Default::default();
            return Self { metadata, edns, answer, authority, additional };
        }
        Self {
            metadata,
            edns,
            answer: Section::of(plan, query, plan.answer.iter()),
            authority: Section::of(plan, query, plan.authority.iter()),
            additional: Section::of(plan, query, plan.additional.iter()),
        }
    }

    /// Takes sets away until hickory's encoder needs no more than `limit` octets.
    fn truncate(mut self, request: &MessageRequest, limit: usize) -> Self {
        while self.encoded_length(request) > limit {
            match self.shed() {
                Some(required) => self.metadata.truncation |= required,
                None => break,
            }
        }
        self
    }

    /// Takes one set away: first what only helps, the last one first, then what is needed. Returns whether it was.
    fn shed(&mut self) -> Option<bool> {
        if let Some(place) = self.additional.sets.iter().rposition(|(_, required)| !required) {
            return self.additional.remove(place);
        }
        let sections = [&mut self.additional, &mut self.authority, &mut self.answer];
        sections.into_iter().find_map(|section| section.remove(section.sets.len().checked_sub(1)?))
    }

    fn encoded_length(&self, request: &MessageRequest) -> usize {
        let mut octets = Vec::with_capacity(512);
        let mut encoder = BinEncoder::new(&mut octets);
        encoder.set_max_size(u16::MAX);
        match self.build(request).destructive_emit(&mut encoder) {
            Ok(info) if !info.truncation || self.metadata.truncation => octets.len(),
            Ok(_) | Err(_) => usize::MAX,
        }
    }

    fn build<'r>(
        &'r self,
        request: &'r MessageRequest,
    ) -> MessageResponse<'r, 'r, Records<'r>, Records<'r>, Records<'r>, Records<'r>> {
        let builder = MessageResponseBuilder::new(&request.queries, self.edns.as_ref());
        let [answer, authority, additional] =
            [&self.answer, &self.authority, &self.additional].map(|section| section.records.iter());
        builder.build(self.metadata, answer, authority, [].iter(), additional)
    }
}

impl Section {
    fn of<'p>(plan: &Plan<'_>, query: &QueryView<'_>, items: impl Iterator<Item = &'p Item<'p>>) -> Self {
        let mut section = Self::default();
        for item in items {
            section.sets.push((add(plan, query, item, &mut section.records), item.required));
        }
        section
    }

    /// Takes a set away; returns whether it was needed.
    fn remove(&mut self, place: usize) -> Option<bool> {
        let start: usize = self.sets.iter().take(place).map(|(count, _)| count).sum();
        let &(count, required) = self.sets.get(place)?;
        self.sets.remove(place);
        self.records.drain(start..start + count);
        Some(required)
    }
}

type Records<'r> = std::slice::Iter<'r, Record>;

/// Adds the records of one set; returns how many.
fn add(plan: &Plan<'_>, query: &QueryView<'_>, item: &Item<'_>, records: &mut Vec<Record>) -> usize {
    let owner = name(plan.name(item.owner, query));
    let before = records.len();
    let rtype = item.rtype();
    let mut add = |rtype, ttl, rdata: &[u8]| records.push(record(&owner, plan.class, rtype, ttl, rdata));
    match item.data {
        Data::Set(set) => {
            let turn = usize::from(plan.rotation) % set.len().max(1);
            let turned = set.rdatas().skip(turn).chain(set.rdatas().take(turn));
            turned.for_each(|rdata| add(rtype, item.ttl_of(rdata), rdata));
        }
        Data::Cname(target) => add(rtype, item.ttl, plan.synthesized_name(target)),
        Data::Text(start, end) => add(rtype, item.ttl, &render::character_string(start, end)),
    }
    item.signature_rdatas().for_each(|rdata| add(Rtype::RRSIG, item.ttl, rdata));
    records.len() - before
}

/// Makes a record whose RDATA hickory writes as it stands.
fn record(owner: &Name, class: u16, rtype: Rtype, ttl: u32, rdata: &[u8]) -> Record {
    let null = if rdata.is_empty() { NULL::new() } else { NULL::with(rdata.to_vec()) };
    let rdata = RData::Unknown { code: RecordType::from(rtype.0), rdata: null };
    let mut record = Record::from_rdata(owner.clone(), ttl, rdata);
    record.dns_class = DNSClass::from(class);
    record
}

fn name(wire: &[u8]) -> Name {
    Name::read(&mut BinDecoder::new(wire)).unwrap_or_default()
}

fn edns(reply: &Reply<'_>) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(reply.payload).set_dnssec_ok(reply.dnssec_ok).set_version(0);
    reply.options(|code, first, second| {
        edns.options_mut().insert(EdnsOption::Unknown(code, [first, second].concat()));
    });
    edns
}

/// Answers that may wait for a slow connection before it is closed.
const RESPONSE_BUFFER: usize = 32;

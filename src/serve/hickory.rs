//! The same plans behind the listeners of hickory-server (`frame = "hickory"`).
//!
//! hickory 0.26.3 must never truncate: it leaves octets of rolled-back records in the message, drops OPT first and cuts
//! sets in their middle. So the message is measured with hickory's own encoder and cut here, by whole sets. Its server
//! logs two lines a response at level INFO: `hickory_server::server=warn` hides them.
//!
//! **Invariant:** no other file uses `hickory_server`; no handler blocks.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::NetError;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Edns, Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::NULL;
use hickory_server::proto::rr::rdata::opt::EdnsOption;
use hickory_server::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_server::proto::serialize::binary::{BinDecodable, BinDecoder, BinEncoder};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageRequest, MessageResponse, MessageResponseBuilder};
use rustls::server::ResolvesServerCert;
use tokio_util::sync::CancellationToken;

pub use hickory_server::net::xfer::Protocol;

use crate::zone::Rtype;

use super::edns::Reply;
use super::listener;
use super::plan::{Data, Item, Plan};
use super::query::QueryView;
use super::rcode::Rcode;
use super::respond::Verdict;
use super::{Batch, Certificates, Client, Responder, Socket, Transport, render};

/// hickory-server with our handler; its listeners answer from when they are added.
pub struct Frame {
    server: Server<Handler>,
    idle: Duration,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("idle", &self.idle).finish_non_exhaustive()
    }
}

/// A listener could not go on or not end.
#[derive(Debug, thiserror::Error)]
#[error("a DNS listener failed")]
pub struct Failed(#[source] NetError);

impl Frame {
    /// Makes one without listeners; `idle` ends connections that send nothing whole for so long.
    pub fn new(responder: &Responder, idle: Duration) -> Self {
        Self { server: Server::new(Handler { responder: responder.clone() }), idle }
    }

    /// Adds hickory's listener of a transport. Call within a tokio runtime.
    ///
    /// # Errors
    /// If the socket is of another kind or cannot be registered, a certificate is needed and missing, or hickory-server has
    /// no such listener.
    pub fn add(&mut self, transport: Transport, socket: Socket, certificates: Option<&Certificates>) -> io::Result<()> {
        let (server, idle) = (&mut self.server, self.idle);
        let certificates = || -> io::Result<Arc<dyn ResolvesServerCert>> {
            let certificates =
                certificates.ok_or_else(|| io::Error::other("an encrypted listener needs a certificate"))?;
            Ok(Arc::new(certificates.clone()))
        };
        let stream = |socket: Socket| tokio::net::TcpListener::from_std(socket.streams()?);
        let datagrams = |socket: Socket| -> io::Result<Vec<_>> {
            socket.datagrams()?.into_iter().map(tokio::net::UdpSocket::from_std).collect()
        };
        match transport.kind().hickory {
            Protocol::Udp => datagrams(socket)?.into_iter().for_each(|socket| server.register_socket(socket)),
            Protocol::Tcp => server.register_listener(stream(socket)?, idle, RESPONSE_BUFFER),
            Protocol::Tls => server.register_tls_listener(stream(socket)?, idle, certificates()?)?,
            Protocol::Https => {
                server.register_https_listener(
                    stream(socket)?,
                    idle,
                    certificates()?,
                    None,
                    listener::HTTPS_PATH.to_owned(),
                )?;
            }
            Protocol::Quic => {
                for socket in datagrams(socket)? {
                    server.register_quic_listener(socket, idle, certificates()?)?;
                }
            }
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
        Ok(())
    }

    /// Waits until it is told to stop, and closes the listeners. Queries in flight get no answer.
    ///
    /// # Errors
    /// If a listener's task has failed.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), Failed> {
        stop.cancelled().await;
        self.server.shutdown_gracefully().await.map_err(Failed)
    }
}

/// Answers one packet as hickory's listener of its transport would, without a socket; nothing if silence is the answer, or
/// if hickory does not read the packet.
pub fn respond(responder: &Responder, packet: &[u8], client: Client) -> Option<Vec<u8>> {
    let peer = SocketAddr::new(client.address, 0);
    let request = Request::from_bytes(packet.to_vec(), peer, client.transport.kind().hickory).ok()?;
    let response = responder.batch().response(&request, client)?;
    let mut octets = Vec::new();
    response.build(&request).destructive_emit(&mut BinEncoder::new(&mut octets)).ok()?;
    Some(octets)
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
        let transport = Transport::ALL.into_iter().find(|transport| transport.kind().hickory == request.protocol());
        let batch = self.responder.batch();
        let client = transport.map(|transport| batch.client(request.src(), transport));
        let response = client.and_then(|client| batch.response(request, client));
        drop(batch);
        Box::pin(async move {
            let silent = ResponseInfo::from(Header { metadata: request.metadata, counts: HeaderCounts::default() });
            match response {
                Some(response) => listener.send_response(response.build(request)).await.unwrap_or(silent),
                None => silent,
            }
        })
    }
}

impl Batch<'_> {
    /// Padding is not in reach of this renderer, nor is a TSIG record.
    fn response(&self, request: &Request, client: Client) -> Option<Response> {
        let mut plan = Plan::default();
        let verdict = self.decide(QueryView::parse(request.as_slice()), request.as_slice().len(), client, &mut plan)?;
        if plan.transfer.take().is_some() {
            // hickory's listeners send one message for each query.
            plan.refuse(Rcode::REFUSED, None);
        }
        let response = match &verdict {
            Verdict::Fault(_) => Response::fault(request),
            Verdict::Answer(query, limit, _) => Response::of(&plan, query, request).truncate(request, *limit),
        };
        self.count(client, &verdict, &plan, response.metadata.truncation);
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
        let mut metadata = metadata(request);
        metadata.response_code = ResponseCode::FormErr;
        let (answer, authority, additional) = Default::default();
        Self { metadata, edns: None, answer, authority, additional }
    }

    fn of(plan: &Plan<'_>, query: &QueryView<'_>, request: &MessageRequest) -> Self {
        let mut metadata = metadata(request);
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

/// Begins an answer; CD is for resolvers (RFC 4035 §3.1.6).
fn metadata(request: &MessageRequest) -> Metadata {
    let mut metadata = Metadata::response_from_request(&request.metadata);
    metadata.checking_disabled = false;
    metadata
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
            let _all = plan.order.each(set, |rdata| {
                add(rtype, item.ttl_of(rdata), rdata);
                Some(())
            });
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

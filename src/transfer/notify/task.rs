//! Sends what is due, and takes the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::base::clock::Clock;
use crate::snapshot::SnapshotReader;
use crate::transfer::tsig::{Signer, Verifier};
use crate::transfer::{KeyRing, Ledger, Metrics, NotifyState, NotifyStatus};
use crate::zone::serial::Soa;
use crate::zone::{Name, Serial};

use super::book::{Book, Order, Pair, Version};
use super::message;
use super::recipients::Recipients;

/// Who is told of which zone.
#[derive(Clone)]
pub struct Settings {
    /// By zone.
    pub zones: BTreeMap<Name, Recipients>,
    /// The keys that sign.
    pub keys: KeyRing,
    /// Whether a host of an NS record may be told at an address.
    pub permits: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

/// What the task reads, and where it counts.
pub struct Sources {
    /// Where snapshots come from.
    pub reader: SnapshotReader,
    /// Changes with each publication.
    pub published: watch::Receiver<u64>,
    /// Changes with a reload.
    pub settings: watch::Receiver<Settings>,
    /// The addresses of hosts that lie in no zone of this server.
    pub outside: Outside,
    /// Numbers by chance.
    pub random: fn() -> [u8; 16],
    /// The counters.
    pub metrics: Metrics,
    /// Where it is noted what secondaries make of it.
    pub ledger: Ledger,
    /// The clock.
    pub clock: Clock,
}

/// Returns the addresses of a host.
pub type Outside = Box<dyn Fn(&Name) -> Vec<IpAddr> + Send + Sync>;

/// Tells secondaries of new versions until it is stopped. Begin when queries are answered: before that nobody could fetch
/// what it is told of.
pub async fn run(mut sources: Sources, stop: CancellationToken) {
    let mut sockets = Sockets::open().await;
    let mut book = Book::default();
    loop {
        sources.look(&mut book);
        sources.send(&mut book, &mut sockets).await;
        // Hosts outside of the zones may have become known.
        let latest = sources.clock.now().mono + LOOK;
        let next = sources.clock.instant(book.next().map_or(latest, |next| next.min(latest)));
        let mut answer = [0; ANSWER_MOST];
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(next) => {}
            (length, from) = sockets.receive(&mut answer) => {
                sources.take(&mut book, answer.get(..length).unwrap_or_default(), from);
            }
            changed = sources.published.changed() => if changed.is_err() { return },
            changed = sources.settings.changed() => if changed.is_err() { return },
        }
    }
}

impl Sources {
    /// Notes the newest version of each zone, and who is to know of it.
    fn look(&mut self, book: &mut Book) {
        let settings = self.settings.borrow_and_update();
        self.published.mark_unchanged();
        let (snapshot, now) = (self.reader.load(), self.clock.now().mono);
        let mut told = BTreeSet::new();
        for (origin, recipients) in &settings.zones {
            let Some(zone) = snapshot.image().zone_at(origin) else { continue };
            let soa = snapshot.zone(zone).and_then(|zone| zone.soa()).map(Arc::clone);
            let serial = soa.as_ref().and_then(|soa| Some(Soa::read(soa.rdatas().next()?)?.serial));
            let Some(version) = soa.zip(serial).map(|(soa, serial)| Version { serial, soa }) else { continue };
            let who = recipients.addresses(&snapshot, zone, &settings.keys, &*self.outside, &*settings.permits);
            book.want(origin, &version, &who, now);
            self.ledger.keep_notified(origin, |address| who.contains_key(address));
            told.insert(origin);
        }
        book.keep(&told);
        self.ledger.keep(|origin| snapshot.image().zone_at(origin).is_some());
    }

    /// Notes what a secondary makes of the version that it was told of.
    fn note(&self, pair: &Pair, serial: Serial, state: NotifyState) {
        let status = NotifyStatus { serial, at: self.clock.now().wall, state };
        self.ledger.notified(&pair.zone, pair.address, status);
    }

    async fn send(&self, book: &mut Book, sockets: &mut Sockets) {
        let now = self.clock.now();
        for (pair, serial) in book.time_out(now.mono) {
            self.metrics.notified("unanswered");
            self.note(&pair, serial, NotifyState::Unanswered);
            warn!(zone = %pair.zone, secondary.addr = %pair.address, "a secondary has answered no NOTIFY");
        }
        for order in book.due(now.mono) {
            let Order { pair, version, key } = &order;
            let [i0, i1, ..] = (self.random)();
            let id = u16::from_be_bytes([i0, i1]);
            let mut octets = message::write(id, &pair.zone, &version.soa);
            let verifier = key.as_ref().map(|key| {
                let mut signer = Signer::of(Arc::clone(key));
                signer.sign(now.wall, &mut octets);
                Verifier::of(signer)
            });
            self.metrics.notified("sent");
            self.note(pair, version.serial, NotifyState::Waiting);
            debug!(zone = %pair.zone, serial = version.serial.0, secondary.addr = %pair.address, "NOTIFY");
            let from = self.settings.borrow().zones.get(&pair.zone).map(|recipients| recipients.from);
            let source = from.and_then(|from| from.towards(pair.address.ip()));
            if let Err(error) = sockets.send(&octets, source, pair.address).await {
                info!(%error, ?source, secondary.addr = %pair.address, "a NOTIFY cannot be sent");
            }
            book.sent(&order, id, verifier, now.mono);
        }
    }

    fn take(&self, book: &mut Book, packet: &[u8], from: SocketAddr) {
        let Some(answer) = message::read(packet) else { return };
        let now = self.clock.now();
        let verify = |verifier: &mut Verifier| {
            let verified = verifier.next(packet, answer.tsig.as_ref(), now.wall);
            if let Err(reason) = verified {
                warn!(secondary.addr = %from, %reason, "the answer to a NOTIFY is not believed");
            }
            verified.is_ok()
        };
        let Some((pair, serial)) = book.answered(from, answer.id, verify, now.mono) else { return };
        if answer.rcode == 0 {
            self.metrics.notified("acknowledged");
            self.note(&pair, serial, NotifyState::Acknowledged);
            debug!(zone = %pair.zone, serial = serial.0, secondary.addr = %from, "NOTIFY acknowledged");
        } else {
            self.metrics.notified("refused");
            self.note(&pair, serial, NotifyState::Refused(answer.rcode));
            info!(zone = %pair.zone, secondary.addr = %from, rcode = answer.rcode, "a secondary refuses NOTIFY");
        }
    }
}

/// A socket for each address that is sent from: any of each family that the machine has, and those that are named.
struct Sockets(Vec<(IpAddr, UdpSocket)>);

impl Sockets {
    async fn open() -> Self {
        let mut sockets = Vec::new();
        for any in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            sockets.extend(UdpSocket::bind((any, 0)).await.ok().map(|socket| (any, socket)));
        }
        Self(sockets)
    }

    /// Sends from `source`, if there is one.
    async fn send(&mut self, octets: &[u8], source: Option<IpAddr>, to: SocketAddr) -> std::io::Result<usize> {
        let is_v4 = to.is_ipv4();
        let any = || if is_v4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let source = source.unwrap_or_else(any);
        if !self.0.iter().any(|(address, _)| *address == source) {
            self.0.push((source, UdpSocket::bind((source, 0)).await?));
        }
        let socket = self.0.iter().find(|(address, _)| *address == source);
        socket.ok_or(std::io::ErrorKind::AddrNotAvailable)?.1.send_to(octets, to).await
    }

    /// Receives a datagram from whichever socket has one.
    async fn receive(&self, octets: &mut [u8]) -> (usize, SocketAddr) {
        std::future::poll_fn(|context| {
            for (_, socket) in &self.0 {
                // An error is that of an earlier datagram: nobody listens there.
                while let Poll::Ready(received) = {
                    let mut buffer = ReadBuf::new(octets);
                    socket.poll_recv_from(context, &mut buffer).map_ok(|from| (buffer.filled().len(), from))
                } {
                    if let Ok(received) = received {
                        return Poll::Ready(received);
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.zones)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sources of NOTIFY for {:?}", self.settings.borrow())
    }
}

/// How often it is looked who is to be told, without any event.
const LOOK: Duration = Duration::from_secs(60);
/// The longest answer that is read, in octets.
const ANSWER_MOST: usize = 1232;

//! One held connection: a task that opens it, reads from it, and reports its end.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::held::{CloseReason, Number};
use super::scanner::{Signal, StreamScanner};
use super::{HoldSpec, Place};
use crate::base::clock::Clock;
use crate::health::{FailKind, Outcome};
use crate::probe::attempt::{Attempt, unknown};
use crate::probe::bounded::LIMIT_REACHED;
use crate::probe::connect::close;
use crate::probe::stream::Stream;
use crate::probe::{Depth, ProbeContext};

/// A connection to be held.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// Where to.
    pub(super) address: SocketAddr,
    /// How.
    pub(super) hold_spec: Arc<HoldSpec>,
    /// The longest that opening it may take.
    pub(super) timeout: Duration,
    /// The clock.
    pub(super) clock: Clock,
    /// What all probes share.
    pub(super) context: Arc<ProbeContext>,
}

/// What becomes of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It stands.
    Opened,
    /// The far side did not let it come to be.
    Refused(CloseReason),
    /// A fault of our own did not let it come to be.
    Unable(String),
    /// The far side answered a ping.
    Ponged,
    /// It stood and has ended.
    Ended(CloseReason),
}

/// News of one connection: of which place, and which number.
#[derive(Clone, Debug)]
pub(in crate::probe) struct ConnEvent {
    /// The place.
    pub(super) place: Place,
    /// The connection's number there.
    pub(super) number: Number,
    /// What became of it.
    pub(super) news: News,
}

/// Where a connection's news go.
#[derive(Clone, Debug)]
pub(super) struct EventSender {
    /// The place.
    pub(super) place: Place,
    /// The connection's number there.
    pub(super) number: Number,
    /// The way.
    pub(super) way: mpsc::Sender<ConnEvent>,
}

impl Connection {
    /// Opens and listens until it ends. Each of `pings` is a ping; when its other end is gone, the connection is closed.
    pub(super) async fn keep(self, mut pings: mpsc::Receiver<()>, sender: EventSender) {
        let address = self.address;
        // Boxed, so that what only the opening needs is gone while it is held.
        let opening = Box::pin(timeout(self.timeout, self.open()));
        let opened = select! {
            biased;
            None = pings.recv() => return,
            opened = opening => opened.unwrap_or(Err(Outcome::Fail { kind: FailKind::Silent, cause: "".into() })),
        };
        match opened {
            Ok(stream) => listen(stream, pings, sender).await,
            Err(Outcome::Fail { kind: FailKind::Conclusive, .. }) => {
                sender.send(News::Refused(CloseReason::Reset)).await;
            }
            Err(Outcome::Fail { kind: FailKind::Silent, .. }) => sender.send(News::Refused(CloseReason::Silent)).await,
            Err(Outcome::Unknown(cause)) => sender.send(News::Unable(format!("{address}: {cause}"))).await,
            // A connection that only stands says none of these.
            Err(Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. }) => {}
        }
    }

    async fn open(self) -> Result<Stream, Outcome> {
        let mut attempt = Attempt::new(self.address, Depth::Deep, &self.clock, &self.context);
        let stream = Stream::open(self.hold_spec.tls.as_ref(), &mut attempt).await?;
        arm(stream.socket()).map_err(|error| unknown(format!("keepalive cannot be set: {error}")))?;
        Ok(stream)
    }
}

impl EventSender {
    async fn send(&self, news: News) {
        let event = ConnEvent { place: self.place, number: self.number, news };
        // Whoever listened may have ended; so does this, then.
        self.way.send(event).await.ok();
    }
}

/// Has the kernel notice a far side that vanishes.
///
/// A keepalive is sent after 2 s, another one a second later; with the user time-out the connection ends at the next
/// second, 4 s after the last octet was heard, and 3.5 s after octets were written that are not acknowledged. So one
/// keepalive may be lost. With a user time-out that is over before the second one a link that loses 1 % of all packets
/// broke twelve connections in 150 s.
pub(super) fn arm(stream: &TcpStream) -> std::io::Result<()> {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_AGAIN);
    socket.set_tcp_keepalive(&keepalive.with_retries(KEEPALIVES))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

/// Listens on a connection that stands, until it ends or is to be closed.
async fn listen(mut stream: Stream, mut pings: mpsc::Receiver<()>, sender: EventSender) {
    sender.send(News::Opened).await;
    let mut scanner = StreamScanner::default();
    let mut octets = [0; 256];
    let end = loop {
        select! {
            biased;
            order = pings.recv() => match order {
                Some(()) => if let Err(error) = ping(&mut stream).await { break end_by(&error) },
                // Boxed, so that its room is taken at the end only.
                None => return Box::pin(close(stream)).await,
            },
            read = stream.read(&mut octets) => match read {
                Ok(0) => break CloseReason::Closed,
                Ok(length) => match scanner.scan(octets.get(..length).unwrap_or_default()) {
                    Some(Signal::Leaving) => break CloseReason::Leaving,
                    Some(Signal::Idle) => break CloseReason::Idle,
                    Some(Signal::Pong) => sender.send(News::Ponged).await,
                    None if scanner.is_over_limit() => break CloseReason::Noisy,
                    None => {}
                },
                Err(error) => break end_by(&error),
            },
        }
    };
    sender.send(News::Ended(end)).await;
}

async fn ping(stream: &mut Stream) -> std::io::Result<()> {
    stream.write_all(PING).await?;
    stream.flush().await
}

/// Tells how a connection ended by the error that it ended with.
fn end_by(error: &Error) -> CloseReason {
    let kind = error.kind();
    if kind == LIMIT_REACHED {
        CloseReason::Noisy
    } else if matches!(kind, ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) {
        CloseReason::Silent
    } else if kind == ErrorKind::UnexpectedEof {
        // TLS without a farewell.
        CloseReason::Closed
    } else {
        CloseReason::Reset
    }
}

/// RFC 5626 §3.5.1.
const PING: &[u8] = b"\r\n\r\n";
/// How long nothing is heard before a keepalive is sent.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(2);
/// From keepalive to keepalive.
const KEEPALIVE_AGAIN: Duration = Duration::from_secs(1);
/// How many may be lost, where the time-out below does not count.
const KEEPALIVES: u32 = 3;
/// How long the far side's kernel may leave octets or keepalives unanswered (RFC 5482).
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_millis(3_500);

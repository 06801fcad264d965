//! One held connection: a task that opens it, listens, and tells what becomes of it.

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

use super::hold::{End, Number};
use super::word::{Ear, Word};
use super::{Manner, Place};
use crate::base::clock::Clock;
use crate::health::{FailKind, Outcome};
use crate::probe::attempt::{Attempt, unknown};
use crate::probe::connect::close;
use crate::probe::stream::Stream;
use crate::probe::{Depth, Tools};

/// A connection to be held.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// Where to.
    pub(super) address: SocketAddr,
    /// How.
    pub(super) manner: Arc<Manner>,
    /// The longest that opening it may take.
    pub(super) timeout: Duration,
    /// The clock.
    pub(super) clock: Clock,
    /// What all probes share.
    pub(super) tools: Arc<Tools>,
}

/// What becomes of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It stands.
    Opened,
    /// The far side did not let it come to be.
    Refused(End),
    /// A fault of our own did not let it come to be.
    Unable(String),
    /// The far side answered a ping.
    Ponged,
    /// It stood and has ended.
    Ended(End),
}

/// News of one connection: of which place, and which number.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Letter {
    /// The place.
    pub(super) place: Place,
    /// The connection's number there.
    pub(super) number: Number,
    /// What became of it.
    pub(super) news: News,
}

/// Where a connection's news go.
#[derive(Clone, Debug)]
pub(super) struct Post {
    /// The place.
    pub(super) place: Place,
    /// The connection's number there.
    pub(super) number: Number,
    /// The way.
    pub(super) way: mpsc::Sender<Letter>,
}

impl Connection {
    /// Opens and listens until it ends. Each of `pings` is a ping; when its other end is gone, the connection is closed.
    pub(super) async fn keep(self, mut pings: mpsc::Receiver<()>, post: Post) {
        let address = self.address;
        // Boxed, so that what only the opening needs is gone while it is held.
        let opening = Box::pin(timeout(self.timeout, self.open()));
        let opened = select! {
            biased;
            None = pings.recv() => return,
            opened = opening => opened.unwrap_or(Err(Outcome::Fail { kind: FailKind::Silent, cause: "".into() })),
        };
        match opened {
            Ok(stream) => listen(stream, pings, post).await,
            Err(Outcome::Fail { kind: FailKind::Conclusive, .. }) => post.send(News::Refused(End::Reset)).await,
            Err(Outcome::Fail { kind: FailKind::Silent, .. }) => post.send(News::Refused(End::Silent)).await,
            Err(Outcome::Unknown(cause)) => post.send(News::Unable(format!("{address}: {cause}"))).await,
            // A connection that only stands says none of these.
            Err(Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. }) => {}
        }
    }

    async fn open(self) -> Result<Stream, Outcome> {
        let mut attempt = Attempt::new(self.address, Depth::Deep, &self.clock, &self.tools);
        let stream = Stream::open(self.manner.tls.as_ref(), &mut attempt).await?;
        arm(stream.socket()).map_err(|error| unknown(format!("keepalive cannot be set: {error}")))?;
        Ok(stream)
    }
}

impl Post {
    async fn send(&self, news: News) {
        let letter = Letter { place: self.place, number: self.number, news };
        // Whoever listened may have ended; so does this, then.
        self.way.send(letter).await.ok();
    }
}

/// Has the kernel notice a far side that vanishes.
///
/// Measured: keepalive of 1 s, 1 s, 3 times notices after 3.9 s, and never while written octets are not acknowledged;
/// with the user time-out it is 1.9 s, and 2.0 s then.
pub(super) fn arm(stream: &TcpStream) -> std::io::Result<()> {
    let socket = SockRef::from(stream);
    let second = Duration::from_secs(1);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(second).with_interval(second).with_retries(3))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

/// Listens on a connection that stands, until it ends or is to be closed.
async fn listen(mut stream: Stream, mut pings: mpsc::Receiver<()>, post: Post) {
    post.send(News::Opened).await;
    let mut ear = Ear::default();
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
                Ok(0) => break End::Closed,
                Ok(length) => match ear.hear(octets.get(..length).unwrap_or_default()) {
                    Some(Word::Leaving) => break End::Leaving,
                    Some(Word::Idle) => break End::Idle,
                    Some(Word::Pong) => post.send(News::Ponged).await,
                    None if ear.is_tired() => break End::Noisy,
                    None => {}
                },
                Err(error) => break end_by(&error),
            },
        }
    };
    post.send(News::Ended(end)).await;
}

async fn ping(stream: &mut Stream) -> std::io::Result<()> {
    stream.write_all(PING).await?;
    stream.flush().await
}

/// Tells how a connection ended by the error that it ended with.
fn end_by(error: &Error) -> End {
    let kind = error.kind();
    if matches!(kind, ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) {
        End::Silent
    } else if kind == ErrorKind::UnexpectedEof {
        // TLS without a farewell.
        End::Closed
    } else {
        End::Reset
    }
}

/// RFC 5626 §3.5.1.
const PING: &[u8] = b"\r\n\r\n";
/// How long the far side's kernel may leave octets or keepalives unanswered (RFC 5482).
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(2);

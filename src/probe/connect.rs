//! Opening and closing a TCP connection, with as little load on the peer as possible.

use std::future::ready;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::select;
use tokio::time::timeout;

use super::attempt::{Attempt, conclusive, unknown};
use super::bounded::BoundedStream;
use super::errors::{self, ErrorOrigin};
use crate::health::Outcome;

/// Connects to the address of the probe.
pub(super) async fn connect(attempt: &mut Attempt<'_>) -> Result<BoundedStream, Outcome> {
    attempt.begin("connect");
    let socket = match attempt.address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(|error| attempt.fails(unknown(format!("no socket: {error}"))))?;
    let began = attempt.clock.now().mono;
    let mut connecting = pin!(socket.connect(attempt.address));
    // What fails before the first wait came from our own kernel: there is no route, or a local rule forbids it.
    let at_once = select! {
        biased;
        result = &mut connecting => Some(result),
        () = ready(()) => None,
    };
    let (result, told) = match at_once {
        Some(result) => (result, ErrorOrigin::Local),
        None => (connecting.await, ErrorOrigin::Remote),
    };
    let took = attempt.clock.now().mono.since(began);
    let stream = result.map_err(|error| attempt.fails(errors::classify_refusal(&error, told, took)))?;
    if met_itself(&stream) {
        return Err(attempt.fails(conclusive(errors::NOBODY)));
    }
    // A probe writes little and waits: Nagle's algorithm would only delay it. If this fails, so does what follows.
    stream.set_nodelay(true).ok();
    attempt.saw("connected");
    Ok(BoundedStream::new(stream))
}

/// Returns whether both ends of a connection are the same socket: nobody listens there.
///
/// A closed port of this machine connects to itself if the kernel picks it as the source (simultaneous open,
/// RFC 9293 §3.5).
fn met_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(local), Ok(peer)) if local == peer)
}

/// Closes a connection with FIN, and takes what still comes for a moment: with unread bytes the kernel would send RST,
/// which servers log as an error.
pub(super) async fn close(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let goodbye = async {
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        for _ in 0..REST_READS {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        Ok::<(), std::io::Error>(())
    };
    // How the far side takes it changes nothing any more.
    drop(timeout(LINGER, goodbye).await);
}

/// How long a closed connection is still read: the far side answers FIN with FIN within a round trip.
pub(super) const LINGER: Duration = Duration::from_millis(200);
/// How often a closed connection is still read: 16 KiB, then it gets RST.
const REST_READS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_met_itself_is_told_from_a_server() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let own = socket.local_addr().unwrap();
        assert!(met_itself(&socket.connect(own).await.unwrap()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        assert!(!met_itself(&TcpStream::connect(listener.local_addr().unwrap()).await.unwrap()));
    }
}

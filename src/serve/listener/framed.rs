//! One connection of DNS over TCP or TLS: messages with their length before them (RFC 1035 §4.2.2).
//!
//! Clients need not wait for answers (pipelining, RFC 7766 §6.2.1.1): all whole queries that have arrived are answered,
//! then the answers are written at once. Each takes microseconds and never blocks, so answers keep the order of
//! queries. While a client does not read its answers, nothing more is read from it. The task yields after each read: a
//! client that floods its connection shares the threads with all other connections, and with UDP.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::base::connections::Held;
use crate::serve::metrics::CloseReason;
use crate::serve::{Rest, Sent};

use super::connection::Connection;

/// Answers until the client leaves, is idle or slow, or has to leave; says why it ended.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, connection: &Connection) -> CloseReason {
    let end = tokio::select! {
        biased;
        () = connection.permit.evicted() => CloseReason::Evicted,
        end = converse(&mut stream, connection) => end,
    };
    // The client learns that it is over, unless it is gone.
    let _gone = tokio::time::timeout(CLOSE_TIMEOUT, stream.shutdown()).await;
    end
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, connection: &Connection) -> CloseReason {
    let (mut input, mut output, mut message) = (Vec::new(), Vec::new(), Vec::new());
    let mut stopping = false;
    let mut held = None;
    // From one whole query to the next, however many octets come between.
    let timeout = tokio::time::sleep(connection.idle);
    tokio::pin!(timeout);
    loop {
        tokio::select! {
            biased;
            () = connection.stop.cancelled(), if !stopping => {
                stopping = true;
                timeout.set(tokio::time::sleep(LAST_QUERIES));
                continue;
            }
            () = &mut timeout => return if stopping { CloseReason::Stopped } else { CloseReason::Idle },
            read = read(stream, &mut input) => match read {
                Ok(0) | Err(_) => return CloseReason::Client,
                Ok(_) => {}
            },
        }
        let mut asked = false;
        let mut rest = input.as_slice();
        while let Some((packet, behind)) = split_message(rest) {
            asked = true;
            if packet.len() < HEADER {
                // No message is so short (RFC 1035 §4.1.1): what lengths stand behind it nobody knows.
                let _gone = write(stream, &mut output, connection.idle).await;
                return CloseReason::Protocol;
            }
            if let Some(sent) = respond(packet, connection, &mut message).await {
                push_message(&mut output, &message);
                if let Some(more) = sent.rest
                    && push_rest(stream, more, &mut output, &mut message, connection).await.is_err()
                {
                    return CloseReason::Client;
                }
            }
            if output.len() >= OUTPUT_MAX {
                held = connection.hold_buffers(&[&input, &output, &message]);
                if write(stream, &mut output, connection.idle).await.is_err() {
                    return CloseReason::Client;
                }
            }
            rest = behind;
        }
        let used = input.len() - rest.len();
        input.drain(..used);
        if asked {
            connection.permit.touch(connection.responder.clock().now().mono);
            if !stopping {
                timeout.set(tokio::time::sleep(connection.idle));
            }
        }
        drop(held);
        held = connection.hold_buffers(&[&input, &output, &message]);
        if write(stream, &mut output, connection.idle).await.is_err() {
            return CloseReason::Client;
        }
        // An idle connection holds no more than a query needs.
        [&mut input, &mut output, &mut message].into_iter().for_each(|buffer| buffer.shrink_to(READ));
        if held.is_some() {
            drop(held);
            held = connection.hold_buffers(&[&input]);
        }
        tokio::task::yield_now().await;
    }
}

/// Answers a query; one that comes while the server starts waits: its client has come by a connection, and would wait for
/// its timeout if nothing came back.
async fn respond(packet: &[u8], connection: &Connection, message: &mut Vec<u8>) -> Option<Sent> {
    let responder = &connection.responder;
    let sent = responder.respond(packet, connection.client(), message);
    if sent.is_some() || responder.readiness().load().answering {
        return sent;
    }
    tokio::select! {
        biased;
        () = connection.stop.cancelled() => None,
        () = responder.readiness().answering() => responder.respond(packet, connection.client(), message),
    }
}

impl Connection {
    /// Counts long buffers against the budget of all connections.
    fn hold_buffers(&self, buffers: &[&Vec<u8>]) -> Option<Held> {
        let octets: usize = buffers.iter().map(|buffer| buffer.capacity()).sum();
        (octets > 2 * READ).then(|| self.permit.hold(octets))
    }
}

/// Reads what has arrived, some queries at once, behind what is there; it is never longer than one message and a read.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, input: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut octets = [0; READ];
    let length = stream.read(&mut octets).await?;
    if input.capacity() - input.len() < length {
        // Not by doubling: of a long message that never ends, half would be room for nothing.
        input.reserve_exact(STEP);
    }
    input.extend_from_slice(octets.get(..length).unwrap_or_default());
    Ok(length)
}

/// Writes all of it; a client that takes nothing for so long is gone.
async fn write<S: AsyncWrite + Unpin>(stream: &mut S, output: &mut Vec<u8>, idle: Duration) -> Result<(), ()> {
    let mut rest = output.as_slice();
    while !rest.is_empty() {
        match tokio::time::timeout(idle, stream.write(rest)).await {
            Ok(Ok(length @ 1..)) => rest = rest.get(length..).unwrap_or_default(),
            Ok(Ok(0) | Err(_)) | Err(_) => return Err(()),
        }
    }
    output.clear();
    stream.flush().await.map_err(|_| ())
}

/// Returns the first message and the octets behind it, if it has arrived whole.
fn split_message(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = octets.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(length)))
}

/// Adds the messages behind the first one of a long answer; no more of them are held than are written at once. The task
/// yields after each of them, so that a transfer holds up nobody; and while its client takes them, it is not idle.
async fn push_rest<S: AsyncWrite + Unpin>(
    stream: &mut S,
    mut rest: Rest,
    output: &mut Vec<u8>,
    message: &mut Vec<u8>,
    connection: &Connection,
) -> Result<(), ()> {
    loop {
        let now = connection.responder.clock().now();
        if !rest.next(now.wall, message) {
            // A stream that ends before its last record cannot be told otherwise.
            return if rest.is_whole() { Ok(()) } else { Err(()) };
        }
        push_message(output, message);
        if output.len() >= REST_MAX {
            write(stream, output, connection.idle).await?;
            connection.permit.touch(now.mono);
        }
        tokio::task::yield_now().await;
    }
}

fn push_message(output: &mut Vec<u8>, message: &[u8]) {
    // The renderer keeps to this limit.
    if let Ok(length) = u16::try_from(message.len()) {
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(message);
    }
}

/// The length of a message's header.
const HEADER: usize = 12;
/// How many octets are read at once.
const READ: usize = 2_048;
/// By how many octets the room for a long query grows.
const STEP: usize = 4 * READ;
/// From how many octets on answers are written before more are made.
const OUTPUT_MAX: usize = 64 << 10;
/// The same for the messages behind the first one.
const REST_MAX: usize = 16 << 10;
/// How long queries that are on their way are waited for when the server stops.
const LAST_QUERIES: Duration = Duration::from_millis(50);
/// How long the end of a connection may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use tokio::io::ReadBuf;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::base::connections::{ConnectionLimiter, Limits};
    use crate::base::table::Table;
    use crate::base::tasks::Tasks;
    use crate::serve::Messages;
    use crate::serve::listener::{Deps, Transport};
    use crate::snapshot::{Image, Publisher, Snapshot};
    use crate::transfer::tsig::Signer;
    use crate::transfer::{Algorithm, Key};
    use crate::zone::Name;

    /// A client that has sent ten thousand reads full of queries, and takes every answer; it counts them.
    struct Flood(usize, Arc<AtomicUsize>);

    /// `ready.understudy. CH TXT`, with its length.
    const QUERY: &[u8] = b"\0\x22\x00\x07\0\0\0\x01\0\0\0\0\0\0\x05ready\x0aunderstudy\0\0\x10\0\x03";

    impl AsyncRead for Flood {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            self.0 += 1;
            while self.0 < 10_000 && buffer.remaining() >= QUERY.len() {
                buffer.put_slice(QUERY);
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Flood {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<Result<usize, Error>> {
            self.1.fetch_add(octets.windows(5).filter(|octets| octets == b"ready").count(), Ordering::Relaxed);
            Poll::Ready(Ok(octets.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Err(ErrorKind::Other.into()))
        }
    }

    fn connection() -> (Deps, Connection) {
        let first = Snapshot::first(Arc::new(Image::build(&Table::new(), &Table::new())), Vec::new(), 1);
        let deps = Deps {
            responder: crate::serve::testing::responder(Publisher::new(first).reader()),
            limiter: ConnectionLimiter::new(Limits { all: 9, per_client: 9, idle: Duration::from_secs(10) }),
            certificates: None,
            tasks: Tasks::new(),
            stop: CancellationToken::new(),
        };
        let connection = Connection::admit(&deps, Transport::Tcp, ([127, 0, 0, 1], 9).into());
        (deps, connection)
    }

    #[tokio::test]
    async fn a_client_that_floods_its_connection_leaves_turns_to_others() {
        let (deps, connection) = connection();
        let answered = Arc::new(AtomicUsize::new(0));
        let flood = Flood(0, Arc::clone(&answered));
        let _task = deps.tasks.spawn("flood", async move { answer(flood, &connection).await });
        for turn in 1..=10 {
            tokio::task::yield_now().await;
            let count = answered.load(Ordering::Relaxed);
            assert!(count <= turn * 2 * READ / QUERY.len(), "{count} strings after {turn} turns");
        }
        assert!(answered.load(Ordering::Relaxed) > 0);
    }

    /// A long answer: each message is its number, a thousand times or as often as there is room.
    #[derive(Debug)]
    struct Numbers(u16);

    impl Messages for Numbers {
        fn next(&mut self, limit: usize, message: &mut Vec<u8>) -> bool {
            self.0 += 1;
            message.extend([0; 12]);
            message.extend(self.0.to_be_bytes().repeat(1_000.min(limit / 2)));
            self.0 <= 200
        }

        fn is_done(&self) -> bool {
            self.0 > 200
        }
    }

    #[tokio::test]
    async fn a_long_answer_is_written_in_parts_and_each_message_is_signed() {
        let (mut near, mut far) = tokio::io::duplex(1_000);
        let key = Arc::new(Key::new(&Name::root(), Algorithm::HmacSha256, &[7; 32]));
        let signer = Signer::of(Arc::clone(&key));
        let writer = Tasks::new().spawn("writer", async move {
            let ((_deps, connection), mut output, mut message) = (connection(), Vec::new(), Vec::new());
            let rest = Rest::new(Box::new(Numbers(0)), Some(signer));
            push_rest(&mut near, rest, &mut output, &mut message, &connection).await.unwrap();
            assert!(output.capacity() <= 2 * OUTPUT_MAX, "{} octets were held at once", output.capacity());
            write(&mut near, &mut output, Duration::from_secs(9)).await.unwrap();
        });
        let mut octets = Vec::new();
        far.read_to_end(&mut octets).await.unwrap();
        writer.await.unwrap();
        let mut rest = octets.as_slice();
        let mut signatures = std::collections::HashSet::new();
        for number in 1..=200_u16 {
            let (message, behind) = split_message(rest).unwrap();
            assert_eq!(message.get(12..14), Some(number.to_be_bytes().as_slice()));
            let mac = message.get(message.len() - 38..).unwrap();
            assert!(message.get(11) == Some(&1) && signatures.insert(mac.to_vec()), "message {number} is not signed");
            rest = behind;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn messages_are_split_when_they_are_whole() {
        assert_eq!(split_message(&[]), None);
        assert_eq!(split_message(&[0]), None);
        assert_eq!(split_message(&[0, 2, 7]), None);
        assert_eq!(split_message(&[0, 2, 7, 8, 0]), Some(([7, 8].as_slice(), [0].as_slice())));
        assert_eq!(split_message(&[0, 0, 1]), Some(([].as_slice(), [1].as_slice())));
    }
}

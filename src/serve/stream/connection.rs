//! One connection of DNS over TCP or TLS: messages with their length before them (RFC 1035 §4.2.2).
//!
//! Clients need not wait for answers (pipelining, RFC 7766 §6.2.1.1): all whole queries that have arrived are answered,
//! then the answers are written at once. Each takes microseconds and waits for nothing, so none could overtake another.
//! While a client does not take its answers, nothing more is read from it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::serve::metrics::End;

use super::Visit;

/// Answers until the client leaves, is idle or slow, or has to leave; says why it ended.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, visit: &Visit) -> End {
    let end = tokio::select! {
        biased;
        () = visit.place.told_to_leave() => End::Evicted,
        end = converse(&mut stream, visit) => end,
    };
    // The client learns that it is over, unless it is gone.
    let _gone = tokio::time::timeout(FAREWELL, stream.shutdown()).await;
    end
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, visit: &Visit) -> End {
    let (mut input, mut output, mut message) = (Vec::new(), Vec::new(), Vec::new());
    let mut stopping = false;
    // From one whole query to the next, however many octets come between.
    let patience = tokio::time::sleep(visit.idle);
    tokio::pin!(patience);
    loop {
        tokio::select! {
            biased;
            () = visit.stop.cancelled(), if !stopping => {
                stopping = true;
                patience.set(tokio::time::sleep(LAST_QUERIES));
                continue;
            }
            () = &mut patience => return if stopping { End::Stopped } else { End::Idle },
            read = read(stream, &mut input) => match read {
                Ok(0) | Err(_) => return End::Client,
                Ok(_) => {}
            },
        }
        let mut asked = false;
        let mut rest = input.as_slice();
        while let Some((packet, behind)) = split_message(rest) {
            asked = true;
            if visit.responder.respond(packet, visit.client(), &mut message).is_some() {
                push_message(&mut output, &message);
            }
            if output.len() >= OUTPUT_MAX && write(stream, &mut output, visit.idle).await.is_err() {
                return End::Client;
            }
            rest = behind;
        }
        let used = input.len() - rest.len();
        input.drain(..used);
        if asked {
            visit.place.touch(visit.responder.clock().now().mono);
            if !stopping {
                patience.set(tokio::time::sleep(visit.idle));
            }
        }
        if write(stream, &mut output, visit.idle).await.is_err() {
            return End::Client;
        }
        // An idle connection holds no more than a query needs.
        input.shrink_to(READ);
        output.shrink_to(READ);
    }
}

/// Reads what has arrived, some queries at once, behind what is there; it is never longer than one message and a read.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, input: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut octets = [0; READ];
    let length = stream.read(&mut octets).await?;
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

fn push_message(output: &mut Vec<u8>, message: &[u8]) {
    // The renderer keeps to this limit.
    if let Ok(length) = u16::try_from(message.len()) {
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(message);
    }
}

/// How many octets are read at once.
const READ: usize = 2_048;
/// From how many octets on answers are written before more are made.
const OUTPUT_MAX: usize = 64 << 10;
/// How long queries that are on their way are waited for when the server stops.
const LAST_QUERIES: Duration = Duration::from_millis(50);
/// How long the end of a connection may take.
const FAREWELL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_split_when_they_are_whole() {
        assert_eq!(split_message(&[]), None);
        assert_eq!(split_message(&[0]), None);
        assert_eq!(split_message(&[0, 2, 7]), None);
        assert_eq!(split_message(&[0, 2, 7, 8, 0]), Some(([7, 8].as_slice(), [0].as_slice())));
        assert_eq!(split_message(&[0, 0, 1]), Some(([].as_slice(), [1].as_slice())));
    }
}

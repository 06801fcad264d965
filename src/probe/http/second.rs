//! One request over HTTP/2; the connection setup is shared with `grpc`.

use h2::client::{Connection, SendRequest};
use hyper::body::Bytes;

use super::{HEADER_MAX, Http, HttpReply, along, unmade};
use crate::health::Outcome;
use crate::probe::attempt::{Attempt, conclusive};
use crate::probe::errors::{self, ErrorOrigin};
use crate::probe::stream::Stream;

/// Both ends of an HTTP/2 connection: where requests go in, and what must be driven meanwhile.
pub(in crate::probe) type Opened = (SendRequest<Bytes>, Connection<Stream, Bytes>);

/// Asks once; returns the answer and the connection, to be closed.
pub(super) async fn ask(
    http: &Http,
    stream: Stream,
    attempt: &mut Attempt<'_>,
) -> Result<(HttpReply, Connection<Stream, Bytes>), Outcome> {
    ask_once(http, stream).await.map_err(|outcome| attempt.fails(outcome))
}

/// Does the same, and leaves it to the caller what an error means.
pub(super) async fn ask_once(http: &Http, stream: Stream) -> Result<(HttpReply, Connection<Stream, Bytes>), Outcome> {
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    let request = http.request(&format!("{scheme}://{}{}", http.host, http.path)).body(());
    let request = request.map_err(|error| unmade(&error))?;
    let (sender, mut connection) = open(stream).await.map_err(|error| fault_of(&error))?;
    let work = async {
        let mut sender = sender.ready().await?;
        let (response, _) = sender.send_request(request, true)?;
        let response = response.await?;
        let mut answer = HttpReply::of(&response);
        let mut body = response.into_body();
        let mut has_room = http.expect.is_some();
        while has_room && let Some(data) = body.data().await {
            let data = data?;
            has_room = answer.add(&data);
            body.flow_control().release_capacity(data.len())?;
        }
        Ok(answer)
    };
    let answer = along(&mut connection, work).await.map_err(|error| fault_of(&error))?;
    Ok((answer, connection))
}

/// Begins HTTP/2 over a stream, with little room for what comes.
pub(in crate::probe) async fn open(stream: Stream) -> Result<Opened, h2::Error> {
    let header_max = u32::try_from(HEADER_MAX).unwrap_or(u32::MAX);
    h2::client::Builder::new().enable_push(false).max_header_list_size(header_max).handshake(stream).await
}

/// Classes an error of HTTP/2.
pub(in crate::probe) fn fault_of(error: &h2::Error) -> Outcome {
    if let Some(error) = error.get_io() {
        return errors::classify(error, ErrorOrigin::Remote);
    }
    match error.reason() {
        Some(reason) if error.is_remote() && error.is_go_away() => {
            conclusive(format!("the server ends the connection: {reason:?} (HTTP/2 GOAWAY)"))
        }
        Some(reason) if error.is_remote() => {
            conclusive(format!("the server breaks the request off: {reason:?} (HTTP/2 RST_STREAM)"))
        }
        Some(_) | None => conclusive(format!("not HTTP/2, or broken: {error}")),
    }
}

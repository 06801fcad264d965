//! One exchange over HTTP/2; its opening is shared with `grpc`.

use h2::client::{Connection, ResponseFuture, SendRequest};
use hyper::body::Bytes;
use hyper::{Request, header};
use tokio::time::timeout;

use super::judge::judge;
use super::{BODY_MAX, HEADER_MAX, Http, HttpReply, USER_AGENT, along};
use crate::health::Outcome;
use crate::probe::attempt::{Attempt, Ending, conclusive, unknown};
use crate::probe::connect::LINGER;
use crate::probe::errors::{self, ErrorOrigin};
use crate::probe::stream::Stream;

/// Both ends of an HTTP/2 connection: where requests go in, and what must be driven meanwhile.
pub(in crate::probe) type Opened = (SendRequest<Bytes>, Connection<Stream, Bytes>);

/// Asks once, and judges the answer.
pub(super) async fn exchange(http: &Http, stream: Stream, attempt: &mut Attempt<'_>) -> Ending {
    attempt.begin("request");
    let request = Request::builder()
        .method(http.method.as_str())
        .uri(format!("https://{}{}", http.host, http.path))
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .body(());
    let request = request.map_err(|error| attempt.fails(unknown(format!("no request can be made: {error}"))))?;
    let (sender, mut connection) = open(stream).await.map_err(|error| attempt.fails(fault_of(&error)))?;
    let work = async {
        let mut sender = sender.ready().await?;
        let (response, _) = sender.send_request(request, true)?;
        read(http, response).await
    };
    let answer = along(&mut connection, work).await.map_err(|error| attempt.fails(fault_of(&error)))?;
    let now = attempt.clock.now().wall;
    let judged = judge(http, &answer, now);
    match &judged {
        Ok(()) => {
            attempt.saw(format!("HTTP/2, status {}", answer.status));
            attempt.passes();
        }
        Err(outcome) => drop(attempt.fails(outcome.clone())),
    }
    // No request is left: the connection says GOAWAY and closes.
    drop(timeout(LINGER, connection).await);
    judged
}

/// Begins HTTP/2 over a stream, with little room for what comes.
pub(in crate::probe) async fn open(stream: Stream) -> Result<Opened, h2::Error> {
    let header_max = u32::try_from(HEADER_MAX).unwrap_or(u32::MAX);
    h2::client::Builder::new().enable_push(false).max_header_list_size(header_max).handshake(stream).await
}

/// Takes of an answer what is judged.
async fn read(http: &Http, response: ResponseFuture) -> Result<HttpReply, h2::Error> {
    let response = response.await?;
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answer =
        HttpReply { status: response.status().as_u16(), retry_after: text(header::RETRY_AFTER), body: Vec::new() };
    if http.expect.is_none() {
        return Ok(answer);
    }
    let mut body = response.into_body();
    while answer.body.len() < BODY_MAX
        && let Some(data) = body.data().await
    {
        let data = data?;
        let room = BODY_MAX.saturating_sub(answer.body.len());
        answer.body.extend_from_slice(data.get(..room).unwrap_or(&data));
        body.flow_control().release_capacity(data.len())?;
    }
    Ok(answer)
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

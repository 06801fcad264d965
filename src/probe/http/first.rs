//! One exchange over HTTP/1.1.

use std::error::Error as _;
use std::io;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;

use super::judge::judge;
use super::{BODY_MAX, HEADER_MAX, Http, HttpReply, USER_AGENT, along};
use crate::health::Outcome;
use crate::probe::attempt::{Attempt, Ending, conclusive, unknown};
use crate::probe::connect::close;
use crate::probe::errors::{self, ErrorOrigin};
use crate::probe::stream::Stream;

/// Asks once, and judges the answer.
pub(super) async fn exchange(http: &Http, stream: Stream, attempt: &mut Attempt<'_>) -> Ending {
    attempt.begin("request");
    let request = Request::builder()
        .method(http.method.as_str())
        .uri(&http.path)
        .header(header::HOST, &http.host)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "*/*")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let request = request.map_err(|error| attempt.fails(unknown(format!("no request can be made: {error}"))))?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEADER_MAX).max_headers(FIELDS_MAX);
    let shaken = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, mut connection) = shaken.map_err(|error| attempt.fails(outcome(&error)))?;
    let work = async {
        let response = sender.send_request(request).await?;
        read(http, response).await
    };
    let answer = along(&mut connection, work).await.map_err(|error| attempt.fails(outcome(&error)))?;
    let now = attempt.clock.now().wall;
    let judged = judge(http, &answer, now);
    match &judged {
        Ok(()) => {
            attempt.saw(format!("HTTP/1.1, status {}", answer.status));
            attempt.passes();
        }
        Err(outcome) => drop(attempt.fails(outcome.clone())),
    }
    close(connection.into_parts().io.into_inner()).await;
    judged
}

/// Takes of an answer what is judged.
async fn read(http: &Http, response: Response<Incoming>) -> Result<HttpReply, hyper::Error> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut answer =
        HttpReply { status: response.status().as_u16(), retry_after: text(header::RETRY_AFTER), body: Vec::new() };
    if http.expect.is_none() {
        return Ok(answer);
    }
    let mut body = response.into_body();
    while answer.body.len() < BODY_MAX
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            let room = BODY_MAX.saturating_sub(answer.body.len());
            answer.body.extend_from_slice(data.get(..room).unwrap_or(&data));
        }
    }
    Ok(answer)
}

/// Classes an error of HTTP/1.
fn outcome(error: &hyper::Error) -> Outcome {
    if let Some(error) = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
        return errors::classify(error, ErrorOrigin::Remote);
    }
    if error.is_parse_too_large() {
        conclusive("the answer's header is longer than 16 KiB or 100 fields")
    } else if error.is_incomplete_message() {
        conclusive("closed before the answer was whole")
    } else if error.is_parse() {
        conclusive(format!("not HTTP: {error}"))
    } else {
        conclusive(format!("HTTP broke off: {error}"))
    }
}

/// The most fields of a header.
const FIELDS_MAX: usize = 100;

//! One request over HTTP/1.1.

use std::error::Error as _;
use std::io;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header;
use hyper_util::rt::TokioIo;

use super::{HEADER_MAX, Http, HttpReply, Unanswered, along, unmade};
use crate::health::Outcome;
use crate::probe::attempt::{Attempt, conclusive};
use crate::probe::errors::{self, ErrorOrigin};
use crate::probe::stream::Stream;

/// Asks once; returns the answer and the connection, to be closed.
pub(super) async fn ask(
    http: &Http,
    stream: Stream,
    attempt: &mut Attempt<'_>,
) -> Result<(HttpReply, Stream), Unanswered> {
    let request = http.request(&http.path).header(header::HOST, &http.host).header(header::CONNECTION, "close");
    let request =
        request.body(Empty::<Bytes>::new()).map_err(|error| Unanswered::Decided(attempt.fails(unmade(&error))))?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEADER_MAX).max_headers(FIELDS_MAX);
    let shaken = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, mut connection) = shaken.map_err(|error| unanswered(&error, attempt))?;
    let work = async {
        let response = sender.send_request(request).await?;
        let mut answer = HttpReply::of(&response);
        let mut body = response.into_body();
        let mut has_room = http.expect.is_some();
        while has_room && let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                has_room = answer.add(&data);
            }
        }
        Ok(answer)
    };
    let answer = along(&mut connection, work).await.map_err(|error| unanswered(&error, attempt))?;
    Ok((answer, connection.into_parts().io.into_inner()))
}

/// Tells an error after which HTTP/2 may be tried from all others, which end the step.
fn unanswered(error: &hyper::Error, attempt: &mut Attempt<'_>) -> Unanswered {
    let other = !error.is_parse_too_large() && (error.is_parse() || error.is_incomplete_message());
    match outcome(error) {
        outcome if other => Unanswered::OtherProtocol(outcome),
        outcome => Unanswered::Decided(attempt.fails(outcome)),
    }
}

/// Classes an error of HTTP/1.
fn outcome(error: &hyper::Error) -> Outcome {
    if let Some(error) = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
        return errors::classify(error, ErrorOrigin::Remote);
    }
    if error.is_parse_too_large() {
        conclusive("the answer's header is longer than 64 KiB or 100 fields")
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

//! The check `http`: one request, over HTTP/1.1, or over HTTP/2 where ALPN agrees on it.
//!
//! ```text
//!   Stream (plain, or TLS with ALPN h2, http/1.1) ──▶ first or second: ask ──▶ Answer ──▶ judge (pure)
//! ```
//!
//! A plain server that answers HTTP/1.1 by something else, or not at all, is asked by HTTP/2 once more (h2c, RFC 9113 §3.3).
//!
//! | limit | what happens at it |
//! |---|---|
//! | 64 KiB of header, 100 fields | fail, conclusive |
//! | 64 KiB of body | what comes after is not read |

mod first;
mod judge;
mod keys;
mod second;
mod wanted;

use std::future::Future;
use std::net::Ipv6Addr;

use hyper::http::request::Builder;
use hyper::{Request, Response, header};
use tokio::time::timeout;

use super::Tls;
use super::attempt::{Attempt, Ending, Probe, unknown};
use super::connect::{LINGER, close};
use super::stream::Stream;
use super::watch::HoldSpec;
use crate::health::Outcome;

pub use keys::HttpKeys;
pub(super) use second::{fault_of, open as open_second};
pub use wanted::{Expect, Pattern, PatternError, Statuses};

/// Parameters of [`Check::Http`](super::Check::Http).
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// TLS, with its name and what ALPN offers; nothing: plain.
    pub tls: Option<Tls>,
    /// `Host` and `:authority`: the service's domain.
    pub host: String,
    /// What is asked for, with its query; it begins with a slash.
    pub path: String,
    /// How it is asked.
    pub method: Method,
    /// The statuses that pass.
    pub status: Statuses,
    /// What the first 64 KiB of the body must hold.
    pub expect: Option<Expect>,
}

/// How an HTTP check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: the answer has no body.
    Head,
}

/// Why there is no answer of HTTP/1.1.
#[derive(Debug)]
enum Unanswered {
    /// The step has ended with this outcome.
    Decided(Outcome),
    /// The server speaks something else, or closes: this is the outcome unless that is HTTP/2.
    OtherProtocol(Outcome),
}

/// What a server answered, as far as it is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct HttpReply {
    status: u16,
    /// `Retry-After` as it came.
    retry_after: Option<String>,
    /// The begin of the body; empty if nothing is expected of it.
    body: Vec<u8>,
}

impl Http {
    /// Makes a check of `/` that any status from 200 to 299 passes; over TLS both HTTP/2 and HTTP/1.1 are offered.
    pub fn new(host: String, tls: Option<Tls>) -> Self {
        Self { tls, host, path: "/".to_owned(), method: Method::Get, status: Statuses::default(), expect: None }
    }
}

impl Http {
    /// Returns whether a failure is weak right after a pass: of a server of which nothing is known, a 503 may be what a limit
    /// on requests answers.
    pub(super) fn is_limit(&self, outcome: &Outcome) -> bool {
        let is_unavailable = matches!(outcome, Outcome::Fail { cause, .. } if cause.as_ref() == judge::UNAVAILABLE);
        is_unavailable && self.status == Statuses::alive()
    }
}

impl Method {
    /// Returns its name in requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
        }
    }
}

impl Probe for Http {
    const KIND: &'static str = "http";

    fn transport(&self) -> &'static str {
        if self.tls.is_some() { "tls" } else { "tcp" }
    }

    fn parameters(&self) -> String {
        let mut text = format!("host={}", self.host.to_ascii_lowercase());
        if self.path != "/" {
            text.push_str(&format!(" path=\"{}\"", self.path.escape_default()));
        }
        if self.method == Method::Head {
            text.push_str(" method=HEAD");
        }
        if self.status != Statuses::default() {
            text.push_str(&format!(" status={}", self.status));
        }
        if let Some(expect) = &self.expect {
            text.push_str(&format!(" {expect}"));
        }
        if let Some(tls) = &self.tls {
            text.push_str(&format!(" tls({})", tls.parameters()));
        }
        text
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        Some(HoldSpec { tls: self.tls.clone(), ..HoldSpec::default() })
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let stream = Stream::open(self.tls.as_ref(), attempt).await?;
        attempt.begin("request");
        if stream.protocol() == Some(b"h2") {
            let (answer, connection) = second::ask(self, stream, attempt).await?;
            let judged = self.judge("HTTP/2", &answer, attempt);
            // No request is left: the connection says GOAWAY and closes.
            drop(timeout(LINGER, connection).await);
            judged
        } else {
            match first::ask(self, stream, attempt).await {
                Ok((answer, stream)) => {
                    let judged = self.judge("HTTP/1.1", &answer, attempt);
                    close(stream).await;
                    judged
                }
                Err(Unanswered::Decided(outcome)) => Err(outcome),
                Err(Unanswered::OtherProtocol(outcome)) => self.ask_prior(outcome, attempt).await,
            }
        }
    }
}

impl Http {
    /// Asks by HTTP/2 with prior knowledge, where HTTP/1.1 is not spoken; else that stays the outcome.
    async fn ask_prior(&self, outcome: Outcome, attempt: &mut Attempt<'_>) -> Ending {
        if self.tls.is_some() {
            return Err(attempt.fails(outcome));
        }
        attempt.saw(outcome.cause().unwrap_or_default().to_owned());
        let half = attempt.left() / 2;
        let stream = Stream::open(None, attempt).await?;
        attempt.begin("request");
        match timeout(half, second::ask_once(self, stream)).await.unwrap_or_else(|_| Err(outcome.clone())) {
            Ok((answer, connection)) => {
                let judged = self.judge("HTTP/2", &answer, attempt);
                drop(timeout(LINGER, connection).await);
                judged
            }
            Err(_) => Err(attempt.fails(outcome)),
        }
    }

    /// Begins the request with what both versions say.
    fn request(&self, uri: &str) -> Builder {
        let request = Request::builder().method(self.method.as_str()).uri(uri);
        request.header(header::USER_AGENT, USER_AGENT).header(header::ACCEPT, "*/*")
    }

    /// Tells what was answered and what it means.
    fn judge(&self, version: &str, answer: &HttpReply, attempt: &mut Attempt<'_>) -> Ending {
        let judged = judge::judge(self, answer, attempt.clock.now().wall);
        if judge::is_for_certificate(self, answer, attempt.certificate_request) {
            let warning = format!("the server requires a client certificate (status {})", answer.status);
            attempt.passes_early(format!("{warning}; set client-certificate to test further"));
            return Ok(());
        }
        match &judged {
            Ok(()) => {
                attempt.saw(format!("{version}, status {}", answer.status));
                attempt.passes();
            }
            Err(outcome) => drop(attempt.fails(outcome.clone())),
        }
        judged
    }
}

impl HttpReply {
    /// Takes of an answer's head what is judged.
    fn of<B>(response: &Response<B>) -> Self {
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        Self { status: response.status().as_u16(), retry_after: retry_after.map(str::to_owned), body: Vec::new() }
    }

    /// Adds a piece of the body; returns whether there is room for more.
    fn add(&mut self, data: &[u8]) -> bool {
        let room = BODY_MAX.saturating_sub(self.body.len());
        self.body.extend_from_slice(data.get(..room).unwrap_or(data));
        self.body.len() < BODY_MAX
    }
}

/// Says that a request cannot be made.
fn unmade(error: &hyper::http::Error) -> Outcome {
    unknown(format!("no request can be made: {error}"))
}

/// Does `work` while `connection` carries its octets; returns what the work comes to.
///
/// Neither outlives this future, so that a probe that is dropped leaves nothing behind.
pub(super) async fn along<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return done,
        _ = connection => {}
    }
    // The connection is over and has said so to its requests.
    work.await
}

/// Writes a host or an address as URLs have it.
pub(super) fn authority(name: &str) -> String {
    if name.parse::<Ipv6Addr>().is_ok() { format!("[{name}]") } else { name.to_owned() }
}

/// What we call ourselves.
pub(super) const USER_AGENT: &str = concat!("understudy/", env!("CARGO_PKG_VERSION"), " (health check)");
/// The longest header that is read, in octets.
pub(super) const HEADER_MAX: usize = 65_536;
/// The longest begin of a body that is read, in octets.
const BODY_MAX: usize = 65_536;

//! The check `grpc`: one call of `grpc.health.v1.Health/Check`, over HTTP/2, plain or in TLS.

pub mod codec;

use h2::client::SendRequest;
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, header};
use tokio::time::timeout;
use toml::de::DeValue;

use super::Tls;
use super::attempt::{Attempt, Ending, Probe, conclusive, unknown};
use super::connect::LINGER;
use super::http::{USER_AGENT, along, authority, fault_of, open_second};
use super::kind::{CheckContext, KindKeys};
use super::over::Transport;
use super::stream::Stream;
use super::tcp::quote;
use super::url::{Url, UrlCheck, UrlError};
use super::watch::HoldSpec;
use crate::health::Outcome;
use crate::keys::reader::{Reader, Section};
use crate::keys::values::{self, Read};
use crate::keys::{Listed, statement};
use codec::Serving;

statement! {
    /// What `{ kind = "grpc", … }` may say.
    pub struct GrpcKeys of a check {
        /// `:authority`, SNI and the certificate's name; nothing: the service's domain.
        name: String = values::host;
        /// The service that is asked for; nothing: the whole server.
        service: String = service;
        /// TCP or TLS; nothing: what the owner name says.
        transport: Transport = values::choice(&[("tcp", Transport::Tcp), ("tls", Transport::Tls)]);
    }
}

impl KindKeys for GrpcKeys {
    type Check = Grpc;

    const FORMS: &'static [Listed] = &[(Grpc::KIND, &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"grpc\" } calls the health service; it may say service = \"…\", transport = \"tcp\" or \"tls\", name = \"…\".";
    const SCHEMES: &'static [&'static str] = &[Grpc::KIND];

    fn read(_form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self::read_keys(reader, table)
    }

    /// Reads `grpc[+tls]://ADDRESS:PORT[/DOMAIN[/SERVICE]]`.
    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let transport = url.transport(Grpc::KIND, &[Transport::Tcp, Transport::Tls], "; it has tcp and tls")?;
        let (domain, service) = url.domain_and_rest();
        let keys = Self { name: None, service: Some(service.to_owned()), transport: Some(transport) };
        Ok(UrlCheck::new(keys, domain, None))
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Grpc> {
        let name = context.named(self.name.as_ref());
        let (host, service) = (authority(&name), self.service.clone().unwrap_or_default());
        let is_tls = self.transport.unwrap_or(context.transport) == Transport::Tls;
        Some(Grpc { tls: is_tls.then(|| context.tls(self.name.as_ref(), vec![b"h2".to_vec()])), host, service })
    }
}

fn service(value: &DeValue<'_>) -> Read<String> {
    values::short_text(value, SERVICE_MAX).map_err(|_| format!("the name of a service, of 1 to {SERVICE_MAX} octets"))
}

/// Parameters of [`Check::Grpc`](super::Check::Grpc).
#[derive(Clone, Debug, PartialEq)]
pub struct Grpc {
    /// TLS, with ALPN `h2`; nothing: plain.
    pub tls: Option<Tls>,
    /// `:authority`: the service's domain.
    pub host: String,
    /// The service that is asked for; empty: the whole server.
    pub service: String,
}

/// What a server answered, as far as it is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct GrpcReply {
    /// Of HTTP.
    status: u16,
    /// `grpc-status` and `grpc-message`, from the trailers or the header; without the former it is no gRPC.
    code: Option<u32>,
    message: String,
    body: Vec<u8>,
}

impl Probe for Grpc {
    const KIND: &'static str = "grpc";

    fn transport(&self) -> &'static str {
        if self.tls.is_some() { "tls" } else { "tcp" }
    }

    fn parameters(&self) -> String {
        let mut text = format!("host={}", self.host.to_ascii_lowercase());
        if !self.service.is_empty() {
            text.push_str(&format!(" service=\"{}\"", self.service.escape_default()));
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
        attempt.begin("call");
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let request = Request::builder()
            .method("POST")
            .uri(format!("{scheme}://{}/grpc.health.v1.Health/Check", self.host))
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .header(header::USER_AGENT, USER_AGENT)
            .body(());
        let request = request.map_err(|error| attempt.fails(unknown(format!("no request can be made: {error}"))))?;
        let (sender, mut connection) = open_second(stream).await.map_err(|error| attempt.fails(fault_of(&error)))?;
        let asked = along(&mut connection, ask(sender, request, codec::question(&self.service))).await;
        let answer = asked.map_err(|error| attempt.fails(fault_of(&error)))?;
        let judged = judge(&answer, &self.service);
        match &judged {
            Ok(()) => {
                attempt.saw("SERVING");
                attempt.passes();
            }
            Err(outcome) => drop(attempt.fails(outcome.clone())),
        }
        // No call is left: the connection says GOAWAY and closes.
        drop(timeout(LINGER, connection).await);
        judged
    }
}

/// Calls, and reads the whole answer, at most [`BODY_MAX`] of its body.
async fn ask(sender: SendRequest<Bytes>, request: Request<()>, question: Vec<u8>) -> Result<GrpcReply, h2::Error> {
    let mut sender = sender.ready().await?;
    let (response, mut stream) = sender.send_request(request, false)?;
    stream.send_data(question.into(), true)?;
    let response = response.await?;
    let mut answer = GrpcReply { status: response.status().as_u16(), ..GrpcReply::default() };
    answer.take_status(response.headers());
    let mut body = response.into_body();
    while let Some(data) = body.data().await {
        let data = data?;
        if answer.body.len().saturating_add(data.len()) > BODY_MAX {
            // More than any answer of this call: the codec will say so.
            answer.body.resize(BODY_MAX, 0);
            return Ok(answer);
        }
        answer.body.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    if let Some(trailers) = body.trailers().await? {
        answer.take_status(&trailers);
    }
    Ok(answer)
}

impl GrpcReply {
    fn take_status(&mut self, fields: &HeaderMap) {
        let text = |name| fields.get(name).and_then(|value| value.to_str().ok());
        if let Some(code) = text("grpc-status") {
            self.code = code.parse().ok();
            self.message = text("grpc-message").unwrap_or_default().to_owned();
        }
    }
}

/// Judges an answer. Pure.
///
/// | answer | outcome |
/// |---|---|
/// | SERVING | pass |
/// | NOT_SERVING | drain |
/// | RESOURCE_EXHAUSTED (8) | degraded |
/// | UNKNOWN, another status, another code, no gRPC at all | fail, conclusive |
fn judge(answer: &GrpcReply, service: &str) -> Ending {
    let named = if service.is_empty() { "the server".to_owned() } else { format!("\"{service}\"") };
    let said =
        if answer.message.is_empty() { String::new() } else { format!(": {}", quote(answer.message.as_bytes())) };
    if answer.status != 200 {
        return Err(conclusive(format!("no gRPC: HTTP status {}", answer.status)));
    }
    // Codes of gRPC's own list.
    Err(match answer.code {
        Some(0) => match codec::answer(&answer.body) {
            Ok(Serving::Yes) => return Ok(()),
            Ok(Serving::No) => Outcome::Drain { cause: format!("{named} is NOT_SERVING").into(), retry_after: None },
            Ok(Serving::Unknown) => conclusive(format!("the state of {named} is UNKNOWN")),
            Ok(Serving::NoSuchService) => conclusive(format!("{named} is not known here")),
            Ok(Serving::Other(number)) => conclusive(format!("the state of {named} is {number}, which has no name")),
            Err(error) => conclusive(format!("not an answer of the health service: {error}")),
        },
        Some(5) => conclusive(format!("{named} is not known here (NOT_FOUND){said}")),
        Some(8) => Outcome::Degraded(format!("no capacity left (RESOURCE_EXHAUSTED){said}").into()),
        Some(12) => conclusive(format!("there is no health service here (UNIMPLEMENTED){said}")),
        Some(14) => conclusive(format!("not available (UNAVAILABLE){said}")),
        Some(code) => conclusive(format!("gRPC status {code}{said}")),
        None => conclusive("no gRPC: the answer has no grpc-status"),
    })
}

/// The longest name of a service, in octets.
const SERVICE_MAX: usize = 255;
/// The longest body that is read, in octets; an answer has seven.
const BODY_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_its_meaning() {
        for (status, code, body, outcome, part) in [
            (200, Some(0), &b"\0\0\0\0\x02\x08\x01"[..], "pass", ""),
            (200, Some(0), b"\0\0\0\0\x02\x08\x02", "drain", "\"sip\" is NOT_SERVING"),
            (200, Some(0), b"\0\0\0\0\x00", "fail", "UNKNOWN"),
            (200, Some(0), b"\0\0\0\0\x02\x08\x03", "fail", "is not known here"),
            (200, Some(0), b"\0\0\0\0\x02\x08\x09", "fail", "is 9"),
            (200, Some(0), b"", "fail", "cut off"),
            (200, Some(5), b"", "fail", "NOT_FOUND): \"why\""),
            (200, Some(8), b"", "degraded", "RESOURCE_EXHAUSTED"),
            (200, Some(12), b"", "fail", "no health service"),
            (200, Some(14), b"", "fail", "UNAVAILABLE"),
            (200, Some(16), b"", "fail", "gRPC status 16"),
            (200, None, b"hello", "fail", "no grpc-status"),
            (404, None, b"", "fail", "HTTP status 404"),
            (503, Some(0), b"\0\0\0\0\x02\x08\x01", "fail", "HTTP status 503"),
        ] {
            let answer = GrpcReply { status, code, message: "why".to_owned(), body: body.to_vec() };
            let (seen, text) = match judge(&answer, "sip") {
                Ok(()) => ("pass", String::new()),
                Err(outcome) => (outcome.as_str(), outcome.cause().unwrap_or_default().to_owned()),
            };
            assert!(seen == outcome && text.contains(part), "{status} {code:?} {body:?}: {seen} {text}");
        }
    }
}

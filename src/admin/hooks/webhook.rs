//! One POST to a web server: signed, within a time, and judged by its status alone.

use std::convert::Infallible;
use std::sync::Arc;

use aws_lc_rs::hmac;

use data_encoding::HEXLOWER;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::base::clock::UnixTime;

use super::failure::Failure;
use super::{Url, Webhook};

/// What is sent, whichever attempt it is.
#[derive(Clone, Debug)]
pub(super) struct Post {
    /// The body.
    pub(super) body: String,
    /// A number that is the same for each attempt, and for no other event.
    pub(super) delivery: String,
}

impl Webhook {
    /// Sends it once.
    ///
    /// # Errors
    /// Why it was not taken, and whether another attempt may help.
    pub(super) async fn send(&self, post: &Post, now: UnixTime) -> Result<(), Failure> {
        let Url { is_encrypted, host, port, .. } = &self.url;
        let again = |what: &str, error: &dyn std::fmt::Display| Failure::again(format!("{what}: {error}"));
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(|error| again("cannot connect", &error))?;
        let status = if *is_encrypted {
            // Whoever reads the config sees to it.
            let trust = self.trust.as_ref().ok_or_else(|| again("TLS", &"no authorities are known"))?;
            let name = ServerName::try_from(host.clone()).map_err(|error| again("no name for TLS", &error))?;
            let connector = TlsConnector::from(Arc::clone(trust.client()));
            let stream = connector.connect(name, stream).await.map_err(|error| again("TLS", &error))?;
            self.ask(stream, post, now).await
        } else {
            self.ask(stream, post, now).await
        };
        let status = status.map_err(|error| again("no answer", &error))?;
        match status {
            _ if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(Failure::again(format!("status {status}")))
            }
            _ if status.is_server_error() => Err(Failure::again(format!("status {status}"))),
            // It is understood, and refused for good; that it is elsewhere is for the config to say.
            _ => Err(Failure::for_good(format!("status {status}"))),
        }
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        post: &Post,
        now: UnixTime,
    ) -> Result<StatusCode, hyper::Error> {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = sender.send_request(self.request(post, now));
        let drive = async {
            // Its end is seen by the one who waits for the answer: one that closes behind it is right too.
            drop(connection.await);
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            biased;
            response = request => response.map(|response| response.status()),
            never = drive => match never {},
        }
    }

    fn request(&self, post: &Post, now: UnixTime) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(post.body.clone())));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = self.url.path.parse().unwrap_or_default();
        let bearer = self.token.as_ref().map(|token| [b"Bearer ", token.octets()].concat());
        let signature = self.secret.as_ref().map(|secret| sign(secret.octets(), now, &post.body).into_bytes());
        let headers = [
            (HOST.as_str(), Some(self.url.authority.clone().into_bytes())),
            (CONTENT_TYPE.as_str(), Some(self.content_type.clone().into_bytes())),
            (USER_AGENT.as_str(), Some(concat!("understudy/", env!("CARGO_PKG_VERSION")).into())),
            (AUTHORIZATION.as_str(), bearer),
            ("understudy-delivery", Some(post.delivery.clone().into_bytes())),
            ("understudy-signature", signature),
        ];
        for (name, value) in headers {
            if let Some(value) = value.and_then(|value| value.try_into().ok()) {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

/// Signs time and body, so that neither an old message nor a changed one passes.
pub(super) fn sign(secret: &[u8], now: UnixTime, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let at = now.as_secs();
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", HEXLOWER.encode(tag.as_ref()))
}

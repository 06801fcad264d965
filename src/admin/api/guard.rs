//! Who may ask: no page of another site, and by network only who has the token.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::admin::dashboard;

use super::error::ApiError;

/// What a listener asks of its clients.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// The token that clients must have; nothing: whoever may connect may operate.
    pub token: Option<Token>,
    /// How they come.
    pub arrival: Arrival,
}

/// How clients come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrival {
    /// By a socket of this machine, where no browser comes.
    #[default]
    Socket,
    /// By network, in the clear: a name in `Host` that is not this machine's is refused, as a page of another site may
    /// have pointed it here.
    Clear,
    /// By network, encrypted: the certificate says whom they meant.
    Encrypted,
}

/// A secret that clients show.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Vec<u8>);

/// Lets a request through, or refuses it.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.judge(request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

impl Token {
    /// Takes the first line of a file.
    ///
    /// # Errors
    /// What would be right, if it can be guessed or is no line of printable ASCII.
    pub fn read(file: &[u8]) -> Result<Self, &'static str> {
        let line = file.split(|octet| *octet == b'\n').next().unwrap_or_default().trim_ascii();
        if !line.iter().all(u8::is_ascii_graphic) {
            return Err("one line of printable ASCII without blanks");
        }
        if line.len() < SHORTEST {
            Err("at least 32 characters, as from `openssl rand -hex 32`")
        } else {
            Ok(Self(line.to_vec()))
        }
    }

    /// Compares in a time that tells nothing but the length.
    fn is(&self, shown: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.0, shown).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Guard {
    fn judge(&self, path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if self.arrival == Arrival::Clear && !is_this_machine(host) {
            let message = format!("`{host}` in Host is no address");
            let refusal = ApiError::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", message);
            return Err(refusal.help("ask by the address, or by localhost"));
        }
        // A browser sends `Origin` with what a page asks for, and `Sec-Fetch-Site` with everything.
        let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        let is_own = |origin: &str| {
            self.arrival != Arrival::Socket && origin.split_once("://").is_some_and(|(_, own)| own == host)
        };
        if !site.is_none_or(|site| site == b"none" || site == b"same-origin") || !origin.is_none_or(is_own) {
            let message = "a page in a browser asks, and none of this server's";
            return Err(ApiError::new(StatusCode::FORBIDDEN, "cross-site", message));
        }
        match &self.token {
            Some(token) if !OPEN.contains(&path) && !dashboard::PATHS.contains(&path) => token.judge(headers),
            Some(_) | None => Ok(()),
        }
    }
}

impl Token {
    fn judge(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let shown = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        let refused = |code, message| Err(ApiError::new(StatusCode::UNAUTHORIZED, code, message));
        match shown.map(|shown| shown.strip_prefix(b"Bearer ")) {
            None => refused("no-token", "a token is needed: `Authorization: Bearer …`"),
            Some(Some(shown)) if self.is(shown) => Ok(()),
            Some(_) => refused("wrong-token", "the token is another"),
        }
    }
}

/// Returns whether `Host` names this machine as no page of another site can: by address, or as `localhost`.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

/// What orchestrators ask without a token.
const OPEN: [&str; 3] = ["/livez", "/readyz", "/healthz"];
/// The shortest token: 128 bits in hexadecimal.
const SHORTEST: usize = 32;

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let parse =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        lines.iter().map(parse).collect()
    }

    fn token() -> Token {
        Token::read(b"0123456789abcdef0123456789abcdef\n").unwrap()
    }

    #[test]
    fn a_token_is_a_line_that_cannot_be_guessed() {
        assert_eq!(token(), Token::read(b"0123456789abcdef0123456789abcdef  \r\nmore").unwrap());
        for bad in
            [&b""[..], b"secret", b"0123456789abcdef 0123456789abcdef0", b"\xff\xff123456789abcdef0123456789abcdef"]
        {
            assert!(Token::read(bad).is_err(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", token()), "Token");
    }

    #[test]
    fn by_network_only_the_token_counts_and_no_other_site() {
        let guard = Guard { token: Some(token()), arrival: Arrival::Clear };
        let right = ("authorization", "Bearer 0123456789abcdef0123456789abcdef");
        for (lines, path, code) in [
            (&[("host", "127.0.0.1:9154"), right][..], "/v1/status", None),
            (&[("host", "[::1]:9154"), right], "/v1/status", None),
            (&[("host", "localhost"), right, ("origin", "http://localhost")], "/v1/status", None),
            (&[("host", "127.0.0.1")], "/readyz", None),
            (&[("host", "127.0.0.1")], "/v1/status", Some("no-token")),
            (&[("host", "127.0.0.1"), ("authorization", "Bearer x")], "/v1/status", Some("wrong-token")),
            (&[("host", "127.0.0.1"), ("authorization", "Basic eDp5")], "/v1/status", Some("wrong-token")),
            (&[("host", "evil.example"), right], "/v1/status", Some("wrong-host")),
            (&[right], "/v1/status", Some("wrong-host")),
            (&[("host", "127.0.0.1"), right, ("origin", "http://evil.example")], "/v1/status", Some("cross-site")),
            (&[("host", "127.0.0.1"), right, ("sec-fetch-site", "same-site")], "/v1/status", Some("cross-site")),
        ] {
            let judged = guard.judge(path, &headers(lines)).err();
            assert_eq!(judged.as_ref().map(ApiError::code), code, "{lines:?}");
        }
    }

    #[test]
    fn who_comes_encrypted_may_name_the_server_as_it_is_called() {
        let guard = Guard { token: Some(token()), arrival: Arrival::Encrypted };
        let right = ("authorization", "Bearer 0123456789abcdef0123456789abcdef");
        let own = [("host", "ns1.example.com:9154"), right, ("origin", "https://ns1.example.com:9154")];
        assert!(guard.judge("/v1/status", &headers(&own)).is_ok());
        let other = [("host", "ns1.example.com:9154"), right, ("origin", "https://evil.example")];
        assert!(guard.judge("/v1/status", &headers(&other)).is_err());
    }

    #[test]
    fn on_a_socket_of_this_machine_no_page_may_ask_and_nobody_needs_a_token() {
        let guard = Guard::default();
        assert!(guard.judge("/v1/status", &headers(&[("host", "whatever")])).is_ok());
        let page = guard.judge("/v1/status", &headers(&[("host", "a"), ("origin", "http://a")]));
        assert_eq!(page.err().as_ref().map(ApiError::code), Some("cross-site"));
    }
}

//! `{ kind = "http", … }` and `{ kind = "https", … }`, and their URLs.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::{Expect, Http, Method, Pattern, Statuses, authority};
use crate::base::finding::Finding;
use crate::keys::reader::{Each, Reader, Section};
use crate::keys::values::{self, Read};
use crate::keys::{Listed, statement};
use crate::probe::attempt::Probe;
use crate::probe::kind::{CheckContext, KindKeys, OwnerLabels};
use crate::probe::over::Transport;
use crate::probe::url::{Url, UrlCheck, UrlError};
use crate::zone::services::Application;

statement! {
    /// What `{ kind = "http", … }` may say.
    pub struct HttpKeys of a check {
        /// `Host`, SNI and the certificate's name; nothing: the service's domain.
        name: String = values::host;
        /// What is asked for; nothing: `/`.
        path: String = path;
        /// How it is asked; nothing: GET.
        method: Method = values::choice(&[("GET", Method::Get), ("HEAD", Method::Head)]);
        /// The statuses that pass; nothing: 200 to 299.
        status: Vec<RangeInclusive<u16>> = Each(statuses);
        /// What the body must hold.
        expect: String = short_text;
        /// What the body must match.
        matches as "match": Pattern = pattern;
    }
    also {
        /// Whether it is `https`.
        is_tls: bool
    }
}

impl KindKeys for HttpKeys {
    type Check = Http;

    const FORMS: &'static [Listed] = &[("http", &[Self::KEYS]), ("https", &[Self::KEYS])];
    const EXAMPLE: &'static str = "\
{ kind = \"http\" } and { kind = \"https\" } ask for path = \"/\"; they may say status = [\"200-299\", 301], what the body
must hold (expect = \"…\", or match = \"…\" for a pattern), method = \"HEAD\", name = \"…\".";
    const SCHEMES: &'static [&'static str] = &["http", "https"];
    const PROTOCOL: Option<&'static str> = Some("HTTP");

    fn read(form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let keys = Self { is_tls: form == "https", ..Self::read_keys(reader, table) };
        keys.judge(reader, table);
        keys
    }

    /// Reads `http[s]://ADDRESS[:PORT][/DOMAIN[/PATH]]` and `http[s]://NAME[:PORT][/PATH]`.
    fn from_url(url: &Url<'_>) -> Result<UrlCheck<Self>, UrlError> {
        let help = "; it has tcp and tls";
        let transport = match url.scheme {
            "https" => url.secure(Http::KIND, help)?,
            _ => url.transport(Http::KIND, &[Transport::Tcp, Transport::Tls], help)?,
        };
        let is_tls = transport == Transport::Tls;
        let (domain, path) = url.domain_and_path();
        let keys = Self { path: Some(format!("/{path}")), is_tls, ..Self::default() };
        Ok(UrlCheck::new(keys, domain, if is_tls { 443 } else { 80 }))
    }

    /// Tests a web server of which nothing is known but its domain: whatever it thinks of `/`, it lives.
    fn inferred(service: &OwnerLabels<'_>) -> Option<Self> {
        let alive = || Some(Statuses::alive().into_ranges());
        let is_http = service.application == Application::Http;
        is_http.then(|| Self { is_tls: service.is_tls, status: alive(), ..Self::default() })
    }

    fn lower(&self, context: &CheckContext<'_>) -> Option<Http> {
        let name = context.named(self.name.as_ref());
        let text = self.expect.as_ref().map(|text| Expect::Text(text.clone().into_bytes()));
        let http = Http::new(authority(&name), self.is_tls.then(|| context.tls(self.name.as_ref(), protocols())));
        Some(Http {
            path: self.path.clone().unwrap_or(http.path),
            method: self.method.unwrap_or(http.method),
            status: self.status.clone().and_then(Statuses::new).unwrap_or(http.status),
            expect: text.or_else(|| self.matches.clone().map(Expect::Pattern)),
            ..http
        })
    }

    fn alpn(&self, _transport: Transport) -> Vec<Vec<u8>> {
        if self.is_tls { protocols() } else { Vec::new() }
    }
}

impl HttpKeys {
    /// Finds what nothing could pass, and what cannot be asked for together.
    fn judge(&self, reader: &mut Reader<'_>, table: &Section<'_>) {
        if self.status.as_ref().is_some_and(|ranges| Statuses::new(ranges.clone()).is_none()) {
            let finding = Finding::error("check-value", "`status` names no status, so none would pass");
            let finding = finding.at(reader.value_place(table, "status"));
            reader.find(finding.help("name some, such as [\"200-299\", 301]"));
        }
        if table.has("expect") && table.has("match") {
            let finding = Finding::error("check-value", "`expect` and `match` both say what the body must hold");
            reader.find(finding.at(reader.key_place(table, "match")).help("leave out one of them"));
        } else if self.method == Some(Method::Head) && (self.expect.is_some() || self.matches.is_some()) {
            let finding = Finding::error("check-value", "the answer to HEAD has no body that could hold anything");
            let finding = finding.at(reader.key_place(table, "method"));
            reader.find(finding.help("leave `method` out: GET asks for the body"));
        }
    }
}

/// Returns what ALPN offers for HTTP, the best first (RFC 9113 §3.1, RFC 7301 §6).
fn protocols() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

/// Reads a status, or a range of them.
fn statuses(value: &DeValue<'_>) -> Read<RangeInclusive<u16>> {
    let wanted = || "HTTP statuses (100 to 599) and ranges of them, such as [\"200-299\", 301]".to_owned();
    let number = |text: &str| text.trim().parse::<u16>().ok();
    let range = match value.as_str() {
        Some(text) => match text.split_once('-') {
            Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..=to),
            None => number(text).map(|status| status..=status),
        },
        None => values::integer(100, 599)(value).ok().map(|status| status..=status),
    };
    range.filter(|range| Statuses::new(vec![range.clone()]).is_some()).ok_or_else(wanted)
}

/// Reads a path with its query, in the letters that a request may have (RFC 9112 §3.2.1).
fn path(value: &DeValue<'_>) -> Read<String> {
    let text = short_text(value).ok().filter(|text| text.starts_with('/') && !text.contains('#'));
    let text = text.filter(|text| text.bytes().all(|octet| octet.is_ascii_graphic()));
    text.ok_or_else(|| "a path such as \"/health?deep=1\", other letters than ASCII as %XX".to_owned())
}

fn pattern(value: &DeValue<'_>) -> Read<Pattern> {
    let text = short_text(value)?;
    text.parse().map_err(|error| format!("a regular expression; this one has an error: {error}"))
}

fn short_text(value: &DeValue<'_>) -> Read<String> {
    values::short_text(value, TEXT_MAX)
}

/// The longest path, text or pattern, in octets.
const TEXT_MAX: usize = 1024;

//! The outcome of a response. Pure.

use std::time::{Duration, UNIX_EPOCH};

use super::{Http, HttpReply, Statuses};
use crate::base::clock::UnixTime;
use crate::health::Outcome;
use crate::probe::attempt::{Ending, conclusive, unknown};
use crate::probe::client_certificate::CertificateRequest;
use crate::probe::tcp::quote;

/// Judges an answer.
///
/// | status | outcome |
/// |---|---|
/// | in the set, and the body holds what is expected | pass |
/// | in the set, and it does not | fail, conclusive |
/// | 503 with Retry-After | drain |
/// | 429 | unknown: the checker is limited, others are served |
/// | 421 | fail, conclusive: the domain is not served there |
/// | any other | fail, conclusive |
pub(super) fn judge(http: &Http, answer: &HttpReply, now: UnixTime) -> Ending {
    let status = answer.status;
    if http.status.contains(status) {
        return match &http.expect {
            Some(expect) if !expect.is_in(&answer.body) => {
                let begin = if answer.body.is_empty() { "an empty body".to_owned() } else { quote(&answer.body) };
                Err(conclusive(format!("status {status}, but the body does not hold what is expected: {begin}")))
            }
            Some(_) | None => Ok(()),
        };
    }
    Err(match (status, answer.retry_after.as_deref().and_then(|text| retry_after(text, now))) {
        (503, Some(after)) => {
            let cause = format!("status 503, back after {} s", after.as_secs()).into();
            Outcome::Drain { cause, retry_after: Some(after) }
        }
        // RFC 9110 §15.5.20: the server is not able to answer for this authority.
        (421, _) => conclusive(format!("{} is not served here (status 421)", http.host)),
        // RFC 6585 §4: about the one who asks.
        (429, _) => unknown("the server limits this checker (status 429): allow its address there"),
        (503, None) => conclusive(UNAVAILABLE),
        (300..=399, _) => conclusive(format!("status {status}: redirects are not followed")),
        _ => conclusive(format!("status {status}")),
    })
}

/// Returns whether a server says by its status that it wants a certificate of ours, as nginx does; where the config says
/// which statuses or bodies pass, that stands.
pub(super) fn is_for_certificate(http: &Http, answer: &HttpReply, request: CertificateRequest) -> bool {
    let is_lenient = http.expect.is_none() && [Statuses::default(), Statuses::alive()].contains(&http.status);
    request == CertificateRequest::Unmet && is_lenient && [400, 401, 403].contains(&answer.status)
}

/// Reads Retry-After: seconds, or a date (RFC 9110 §10.2.3).
fn retry_after(text: &str, now: UnixTime) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
        // A number that is too large is long all the same.
        return Some(Duration::from_secs(text.parse().unwrap_or(LONG)));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(UnixTime::from_secs(date.as_secs()).since(now))
}

/// The words for 503 without Retry-After.
pub(super) const UNAVAILABLE: &str = "status 503";
/// So many seconds, in place of a number that has no room.
const LONG: u64 = 4_294_967_295;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::http::Expect;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the RFC's own example.
    const THEN: u64 = 784_111_777;

    fn class(http: &Http, status: u16, retry_after: Option<&str>) -> (&'static str, String) {
        let answer = HttpReply { status, retry_after: retry_after.map(str::to_owned), body: b"all ok".to_vec() };
        match judge(http, &answer, UnixTime::from_secs(THEN - 90)) {
            Ok(()) => ("pass", String::new()),
            Err(outcome) => (outcome.as_str(), outcome.cause().unwrap_or_default().to_owned()),
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        let http = Http::new("example.com".to_owned(), None);
        for (status, retry_after, outcome, part) in [
            (200, None, "pass", ""),
            (204, Some("7"), "pass", ""),
            (302, None, "fail", "redirects are not followed"),
            (404, None, "fail", "status 404"),
            (421, None, "fail", "example.com is not served here"),
            (429, Some("7"), "unknown", "allow its address there"),
            (500, Some("7"), "fail", "status 500"),
            (503, None, "fail", "status 503"),
            (503, Some("soon"), "fail", "status 503"),
            (503, Some("120"), "drain", "back after 120 s"),
            (503, Some("Sun, 06 Nov 1994 08:49:37 GMT"), "drain", "back after 90 s"),
            (503, Some("Sunday, 06-Nov-94 08:49:37 GMT"), "drain", "back after 90 s"),
            (503, Some("Sun Nov  6 08:49:37 1994"), "drain", "back after 90 s"),
            (503, Some("Sun, 06 Nov 1983 08:49:37 GMT"), "drain", "back after 0 s"),
            (503, Some("99999999999999999999999"), "drain", "back after 4294967295 s"),
            (503, Some("-5"), "fail", "status 503"),
        ] {
            let (seen, cause) = class(&http, status, retry_after);
            assert!(seen == outcome && cause.contains(part), "{status} {retry_after:?}: {seen} {cause}");
        }
    }

    #[test]
    fn a_listed_status_passes_whatever_it_is() {
        let status = Statuses::new(vec![301..=301, 503..=503]).unwrap();
        let http = Http { status, ..Http::new("example.com".to_owned(), None) };
        for (status, outcome) in [(200, "fail"), (301, "pass"), (503, "pass")] {
            assert_eq!(class(&http, status, Some("7")).0, outcome, "{status}");
        }
    }

    #[test]
    fn the_body_must_hold_what_is_expected() {
        for (expect, outcome) in [("ok", "pass"), ("fine", "fail")] {
            let expect = Some(Expect::Text(expect.into()));
            let http = Http { expect, ..Http::new("example.com".to_owned(), None) };
            assert_eq!(class(&http, 200, None).0, outcome);
        }
    }
}

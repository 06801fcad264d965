//! The codec and the verdicts, without a network.

#![expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test fails by it")]

mod codec;
mod torture;
mod verdict;

use super::head::Head;
use super::request::{Parts, RANDOM, Request, SipReply};

/// A request with known random numbers.
fn request() -> Request {
    let local = "192.0.2.9:40123".parse().unwrap();
    Request::new(&Parts { domain: "example.com", transport: "UDP", local, max_forwards: 70, random: [0xab; RANDOM] })
        .unwrap()
}

/// Answers to that request: with these fields in place of the usual ones.
fn answer_with(start: &str, fields: &str) -> Vec<u8> {
    format!("{start}\r\n{fields}\r\n\r\n").into_bytes()
}

/// The usual fields of an answer.
const FIELDS: &str = "Via: SIP/2.0/UDP 192.0.2.9:40123;branch=z9hG4bKabababababababab;rport=40123\r\n\
    From: <sip:probe@192.0.2.9>;tag=abababab\r\n\
    To: <sip:example.com>;tag=b27e1a1d33761e85846fc98f5f3a7e58.5c1f\r\n\
    Call-ID: abababababababab\r\n\
    CSeq: 1 OPTIONS\r\n\
    Content-Length: 0";

fn understood(octets: &[u8]) -> Option<SipReply> {
    request().answer(&Head::read(octets).ok()?)
}

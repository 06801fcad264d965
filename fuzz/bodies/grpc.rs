//! Reads octets as an answer of gRPC's health service, and asks for what they spell.

use understudy::probe::grpc::codec::{Serving, answer, question};

pub(crate) fn run(octets: &[u8]) {
    // What has a name is never told as a number.
    assert!(!matches!(answer(octets), Ok(Serving::Other(0..=3))));
    // A question is one whole frame, whose text the reader of answers passes over.
    assert_eq!(answer(&question(&String::from_utf8_lossy(octets))), Ok(Serving::Unknown));
}

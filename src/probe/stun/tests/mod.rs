//! The codec by vectors and against another one; the checks against servers of our own, good and bad.

mod binding;
mod differential;
mod hostile;
mod login;
mod server;
mod vectors;
mod verdicts;

use super::message::Transaction;
use super::request::Method;

/// Writes a message by hand: any type, any attributes, right lengths.
fn message(kind: u16, transaction: Transaction, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(*value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut octets = kind.to_be_bytes().to_vec();
    octets.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    octets.extend([0x21, 0x12, 0xa4, 0x42]);
    octets.extend(transaction);
    octets.extend(body);
    octets
}

/// Writes the value of ERROR-CODE.
fn error_code(code: u16, reason: &str) -> Vec<u8> {
    let mut value = vec![0, 0, u8::try_from(code / 100).unwrap(), u8::try_from(code % 100).unwrap()];
    value.extend(reason.bytes());
    value
}

/// Writes an error answer.
fn error(method: Method, transaction: Transaction, code: u16, more: &[(u16, &[u8])]) -> Vec<u8> {
    let value = error_code(code, "Because");
    let mut attributes = vec![(0x0009, value.as_slice())];
    attributes.extend(more);
    message(method.number() | 0x0110, transaction, &attributes)
}

/// Writes a success answer.
fn success(method: Method, transaction: Transaction, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    message(method.number() | 0x0100, transaction, attributes)
}

/// 192.0.2.1:32853 as XOR-MAPPED-ADDRESS (RFC 5769 §2.2).
const XOR_V4: [u8; 8] = [0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
/// The same as MAPPED-ADDRESS.
const PLAIN_V4: [u8; 8] = [0x00, 0x01, 0x80, 0x55, 192, 0, 2, 1];

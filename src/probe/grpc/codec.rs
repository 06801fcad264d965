//! The two messages of `grpc.health.v1.Health/Check`, in gRPC framing: a request with one string, a response with one
//! number (protobuf's wire format, without a schema compiler).

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use thiserror::Error;

/// What a server says of a service (`HealthCheckResponse.ServingStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// It does not know yet (0, also when the field is left out).
    Unknown,
    /// It serves (1).
    Yes,
    /// It does not (2).
    No,
    /// The service is none of this server's (3; `Watch` only).
    NoSuchService,
    /// A number of a later version.
    Other(u64),
}

/// Why an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CodecError {
    /// It ends too early.
    #[error("the message is cut off")]
    Short,
    /// There is more than one message, or more than the frame says.
    #[error("more octets than one message has")]
    Long,
    /// It is compressed, though we accept nothing of the kind.
    #[error("the message is compressed")]
    Compressed,
    /// It is no protobuf.
    #[error("the message is no protobuf")]
    Broken,
}

/// Writes the question for a service; an empty name asks for the whole server.
pub fn question(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(SERVICE_KEY);
        let mut length = service.len();
        while let (true, low) = (length > 0x7f, u8::try_from(length & 0x7f).unwrap_or(0)) {
            message.push(low | 0x80);
            length >>= 7;
        }
        message.push(u8::try_from(length).unwrap_or(0));
        message.extend_from_slice(service.as_bytes());
    }
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.append(&mut message);
    frame
}

/// Reads the answer: exactly one frame.
///
/// # Errors
/// [`CodecError`] if it is none; fields that are not known are passed over.
pub fn answer(frame: &[u8]) -> Result<Serving, CodecError> {
    let (&compressed, rest) = frame.split_first().ok_or(CodecError::Short)?;
    let (length, message) = rest.split_first_chunk::<4>().ok_or(CodecError::Short)?;
    if compressed != 0 {
        return Err(CodecError::Compressed);
    }
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    match message.len().cmp(&length) {
        std::cmp::Ordering::Less => return Err(CodecError::Short),
        std::cmp::Ordering::Greater => return Err(CodecError::Long),
        std::cmp::Ordering::Equal => {}
    }
    let mut rest = message;
    let mut status = 0;
    while !rest.is_empty() {
        let key;
        (key, rest) = varint(rest)?;
        let skipped = match (key >> 3, key & 7) {
            (0, _) => return Err(CodecError::Broken),
            // Of a field that comes twice the last one counts.
            (1, 0) => {
                (status, rest) = varint(rest)?;
                0
            }
            (_, 0) => {
                (_, rest) = varint(rest)?;
                0
            }
            (_, 1) => 8,
            (_, 2) => {
                let length;
                (length, rest) = varint(rest)?;
                usize::try_from(length).map_err(|_| CodecError::Short)?
            }
            (_, 5) => 4,
            _ => return Err(CodecError::Broken),
        };
        rest = rest.split_at_checked(skipped).ok_or(CodecError::Short)?.1;
    }
    Ok(match status {
        0 => Serving::Unknown,
        1 => Serving::Yes,
        2 => Serving::No,
        3 => Serving::NoSuchService,
        other => Serving::Other(other),
    })
}

/// Reads a number of at most ten octets, and returns what follows it.
fn varint(octets: &[u8]) -> Result<(u64, &[u8]), CodecError> {
    let mut number = 0u64;
    let mut rest = octets;
    for shift in (0..70).step_by(7) {
        let (&octet, after) = rest.split_first().ok_or(CodecError::Short)?;
        rest = after;
        let low = u64::from(octet & 0x7f);
        // The tenth octet has room for one bit.
        if shift == 63 && low > 1 {
            return Err(CodecError::Broken);
        }
        number |= low << shift;
        if octet & 0x80 == 0 {
            return Ok((number, rest));
        }
    }
    Err(CodecError::Broken)
}

/// Field 1, length-delimited.
const SERVICE_KEY: u8 = 0x0a;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn questions_are_as_measured() {
        assert_eq!(question(""), [0, 0, 0, 0, 0]);
        assert_eq!(question("sip"), *b"\0\0\0\0\x05\x0a\x03sip");
        let long = "x".repeat(300);
        assert_eq!(question(&long).get(..8), Some(&[0, 0, 0, 1, 0x2f, 0x0a, 0xac, 0x02][..]));
    }

    #[test]
    fn answers_are_read_with_fields_of_later_versions() {
        for (frame, status) in [
            (&b"\0\0\0\0\x02\x08\x01"[..], Ok(Serving::Yes)),
            (b"\0\0\0\0\x02\x08\x02", Ok(Serving::No)),
            (b"\0\0\0\0\x02\x08\x03", Ok(Serving::NoSuchService)),
            (b"\0\0\0\0\x00", Ok(Serving::Unknown)),
            (b"\0\0\0\0\x04\x08\x02\x08\x01", Ok(Serving::Yes)),
            (b"\0\0\0\0\x06\x12\x02ab\x08\x01", Ok(Serving::Yes)),
            (b"\0\0\0\0\x07\x15abcd\x08\x01", Ok(Serving::Yes)),
            (b"\0\0\0\0\x0b\x11abcdefgh\x08\x02", Ok(Serving::No)),
            (b"\0\0\0\0\x03\x08\x80\x01", Ok(Serving::Other(128))),
            (b"", Err(CodecError::Short)),
            (b"\0\0\0\0", Err(CodecError::Short)),
            (b"\0\0\0\0\x03\x08\x01", Err(CodecError::Short)),
            (b"\0\0\0\0\x01\x08\x01", Err(CodecError::Long)),
            (b"\x01\0\0\0\x02\x08\x01", Err(CodecError::Compressed)),
            (b"\0\0\0\0\x01\x08", Err(CodecError::Short)),
            (b"\0\0\0\0\x02\x12\x7f", Err(CodecError::Short)),
            (b"\0\0\0\0\x02\x00\x01", Err(CodecError::Broken)),
            (b"\0\0\0\0\x01\x0b", Err(CodecError::Broken)),
            (b"\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", Err(CodecError::Broken)),
        ] {
            assert_eq!(answer(frame), status, "{frame:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(frame in prop::collection::vec(any::<u8>(), 0..64)) {
            // What has a name is never told as a number.
            prop_assert!(!matches!(answer(&frame), Ok(Serving::Other(0..=3))));
        }

        #[test]
        fn a_question_is_one_whole_frame(service in "[a-z.]{0,300}") {
            let frame = question(&service);
            // Its own text field is unknown to the reader of answers, which passes over it.
            prop_assert_eq!(answer(&frame), Ok(Serving::Unknown));
        }
    }
}

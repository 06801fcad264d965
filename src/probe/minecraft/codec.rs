//! The status of a Minecraft server of the Java edition: a handshake, a request, and JSON as the answer. Pure.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// Makes the handshake for a status, and the request for it.
pub fn request(host: &str, port: u16) -> Vec<u8> {
    let host = host.get(..HOST_MAX).unwrap_or(host);
    // Version -1 asks for whatever the server has.
    let mut handshake = vec![0x00, 0xff, 0xff, 0xff, 0xff, 0x0f];
    handshake.extend(number(host.len()));
    handshake.extend_from_slice(host.as_bytes());
    handshake.extend(port.to_be_bytes());
    handshake.push(1);
    let mut octets = number(handshake.len());
    octets.append(&mut handshake);
    octets.extend([1, 0]);
    octets
}

/// Reads as much of the answer as tells that it is one: the length, the number 0, and the begin of the JSON; nothing: more
/// is needed.
///
/// # Errors
/// What the octets are, if no status.
pub fn read(octets: &[u8]) -> Result<Option<()>, String> {
    let none = || "no status of Minecraft".to_owned();
    let mut rest = octets;
    let mut numbers = [0; 3];
    for value in &mut numbers {
        let Some((read, behind)) = take(rest).map_err(|()| none())? else { return Ok(None) };
        (*value, rest) = (read, behind);
    }
    let [packet, kind, text] = numbers;
    if kind != 0 || text > packet || packet > PACKET_MAX || text < 2 {
        return Err(none());
    }
    match rest.first() {
        None => Ok(None),
        Some(b'{') => Ok(Some(())),
        Some(_) => Err(none()),
    }
}

/// Takes a number of seven bits an octet, the lowest first; nothing: it is not whole.
fn take(octets: &[u8]) -> Result<Option<(u32, &[u8])>, ()> {
    let mut value = 0_u32;
    for (index, shift) in [0_u32, 7, 14, 21, 28].into_iter().enumerate() {
        let Some(&octet) = octets.get(index) else { return Ok(None) };
        value |= u32::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Ok(Some((value, octets.get(index.saturating_add(1)..).unwrap_or_default())));
        }
    }
    Err(())
}

fn number(value: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = value;
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        octets.push(if rest == 0 { low } else { low | 0x80 });
        if rest == 0 {
            return octets;
        }
    }
}

/// The longest host in a handshake, in octets.
const HOST_MAX: usize = 255;
/// The longest packet, in octets: the protocol's own limit.
const PACKET_MAX: u32 = 2_097_151;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_two_packets() {
        let octets = request("mc.example", 25_565);
        let mut expected = vec![0x14, 0x00, 0xff, 0xff, 0xff, 0xff, 0x0f, 10];
        expected.extend(b"mc.example");
        expected.extend([0x63, 0xdd, 1, 1, 0]);
        assert_eq!(octets, expected);
        assert_eq!(number(300), [0xac, 0x02]);
    }

    #[test]
    fn a_status_is_known_by_its_begin() {
        let mut octets = vec![0x84, 0x01, 0x00, 0x81, 0x01];
        assert_eq!(read(&octets), Ok(None));
        octets.extend(b"{\"version\"");
        assert_eq!(read(&octets), Ok(Some(())));
        for wrong in
            [&b"HTTP/1.1 400 Bad Request"[..], b"\x05\x01\x03{}", b"\xff\xff\xff\xff\xff\xff", b"\x05\x00\x03[]"]
        {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}

//! Time spans in the syntax of master files.

/// Reads seconds, or numbers with the units `w d h m s` in any case, such as `1h30m`; nothing else.
pub(in crate::zone) fn read_ttl(text: &[u8]) -> Option<u64> {
    let (mut total, mut number, mut digits, mut units) = (0u64, 0u64, 0u32, 0u32);
    for octet in text {
        let unit = match octet.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
                digits += 1;
                continue;
            }
            b'w' => 604_800,
            b'd' => 86_400,
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        if digits == 0 {
            return None;
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        (number, digits, units) = (0, 0, units + 1);
    }
    match (digits, units) {
        (0, 0) => None,
        (0, _) => Some(total),
        (_, 0) => Some(number),
        // `1h30`: thirty of what?
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("3600", Some(3600)),
            ("1h30m", Some(5400)),
            ("1W2D3H4M5S", Some(788_645)),
            ("1h30", None),
            ("", None),
            ("h", None),
            ("-1", None),
            ("1.5h", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(read_ttl(text.as_bytes()), seconds, "{text}");
        }
    }
}

//! Geographical locations: LOC (RFC 1876).

use std::fmt::{self, Write};

use super::problem::Problem;
use super::read::FieldReader;

/// Reads latitude, longitude, altitude, size and precisions.
pub(super) fn read(reader: &mut FieldReader<'_, '_>) -> Result<(), Problem> {
    let latitude = angle(reader, "latitude", 90, ['N', 'S'])?;
    let longitude = angle(reader, "longitude", 180, ['E', 'W'])?;
    let altitude = metres(reader, "altitude", -10_000_000, 4_284_967_295)? + 10_000_000;
    let mut sizes = DEFAULT_SIZES;
    for (size, what) in sizes.iter_mut().zip(["size", "horizontal precision", "vertical precision"]) {
        if reader.peek().is_none() {
            break;
        }
        *size = compress(metres(reader, what, 0, 9_000_000_000)?);
    }
    reader.put(&[0]);
    reader.put(&sizes);
    for number in [latitude, longitude, altitude] {
        let number = u32::try_from(number).map_err(|_| reader.wrong("a number out of range"))?;
        reader.put(&number.to_be_bytes());
    }
    Ok(())
}

/// Reads degrees, minutes and seconds; returns thousandths of a second around 2³¹.
fn angle(reader: &mut FieldReader<'_, '_>, what: &str, most: u32, letters: [char; 2]) -> Result<i64, Problem> {
    let mut thousandths = i64::from(reader.number(what, most)?) * 3_600_000;
    for unit in [60_000, 1_000] {
        if side(reader, letters).is_some() {
            break;
        }
        let word = reader.word(what)?;
        let part = if unit == 1_000 { decimal(word, 3) } else { decimal(word, 0).map(|minutes| minutes * 1_000) };
        let part = part.filter(|part| (0..60_000).contains(part));
        let part = part.ok_or_else(|| reader.wrong(format!("`{word}` in the {what} is not 0 to 59")))?;
        thousandths += part * unit / 1_000;
    }
    let sign = side(reader, letters);
    let word = reader.word(what)?;
    let sign = sign.ok_or_else(|| {
        reader.wrong(format!("the {what} should end here, with {} or {}, not with `{word}`", letters[0], letters[1]))
    })?;
    if thousandths > i64::from(most) * 3_600_000 {
        return Err(reader.wrong(format!("the {what} is more than {most} degrees")));
    }
    Ok(MIDDLE + sign * thousandths)
}

fn side(reader: &FieldReader<'_, '_>, [plus, minus]: [char; 2]) -> Option<i64> {
    let word = reader.peek()?.word()?;
    let is = |letter: char| word.len() == 1 && word.starts_with(|c: char| c.eq_ignore_ascii_case(&letter));
    if is(plus) { Some(1) } else { is(minus).then_some(-1) }
}

/// Reads metres with up to two decimals and an `m` that may be left out; returns centimetres.
fn metres(reader: &mut FieldReader<'_, '_>, what: &str, least: i64, most: i64) -> Result<i64, Problem> {
    let word = reader.word(what)?;
    let digits = word.strip_suffix(['m', 'M']).unwrap_or(word);
    let (sign, digits) = digits.strip_prefix('-').map_or((1, digits), |rest| (-1, rest));
    let centimetres = decimal(digits, 2).map(|number| sign * number);
    centimetres
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| reader.wrong(format!("the {what} `{word}` is not in metres, {} to {}", least / 100, most / 100)))
}

/// Reads a decimal number with up to `places` decimals; returns it times 10 to the power of `places`.
fn decimal(word: &str, places: usize) -> Option<i64> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, ""));
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if whole.is_empty() || whole.len() > 10 || fraction.len() > places || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

/// Packs centimetres into a digit and a power of ten (RFC 1876 §2); further digits are cut.
fn compress(centimetres: i64) -> u8 {
    let (mut mantissa, mut exponent) = (centimetres, 0u8);
    while mantissa > 9 {
        mantissa /= 10;
        exponent += 1;
    }
    u8::try_from(mantissa).unwrap_or(9) << 4 | exponent
}

/// Returns whether octets are version 0 within the bounds, or of a version not known here.
pub(super) fn is_wellformed(octets: &[u8]) -> bool {
    let Some(location) = split(octets) else { return false };
    let packed = |size: &u8| size >> 4 <= 9 && size & 0x0f <= 9;
    location.version != 0
        || (location.sizes.iter().all(packed)
            && (location.latitude - MIDDLE).abs() <= 90 * 3_600_000
            && (location.longitude - MIDDLE).abs() <= 180 * 3_600_000)
}

struct Location {
    version: u8,
    sizes: [u8; 3],
    latitude: i64,
    longitude: i64,
    altitude: i64,
}

fn split(octets: &[u8]) -> Option<Location> {
    let (&[version, size, horizontal, vertical], rest) = octets.split_first_chunk::<4>()?;
    let rest: &[u8; 12] = rest.try_into().ok()?;
    let mut numbers =
        rest.chunks_exact(4).map(|word| word.iter().fold(0i64, |sum, octet| sum << 8 | i64::from(*octet)));
    Some(Location {
        version,
        sizes: [size, horizontal, vertical],
        latitude: numbers.next()?,
        longitude: numbers.next()?,
        altitude: numbers.next()?,
    })
}

/// Prints version 0; an error for sizes that text would not give back.
pub(super) fn print(octets: &[u8], out: &mut String) -> fmt::Result {
    let location = split(octets).filter(|location| location.version == 0).ok_or(fmt::Error)?;
    for (number, letters, space) in [(location.latitude, ['N', 'S'], ""), (location.longitude, ['E', 'W'], " ")] {
        let (amount, letter) = ((number - MIDDLE).abs(), letters[usize::from(number < MIDDLE)]);
        let (degrees, minutes, rest) = (amount / 3_600_000, amount / 60_000 % 60, amount % 60_000);
        write!(out, "{space}{degrees} {minutes} {}.{:03} {letter}", rest / 1_000, rest % 1_000)?;
    }
    let height = location.altitude - 10_000_000;
    let sign = if height < 0 { "-" } else { "" };
    write!(out, " {sign}{}.{:02}m", height.abs() / 100, height.abs() % 100)?;
    for size in location.sizes {
        let centimetres = i64::from(size >> 4) * 10i64.pow(u32::from(size & 0x0f));
        if compress(centimetres) != size {
            return Err(fmt::Error);
        }
        write!(out, " {}.{:02}m", centimetres / 100, centimetres % 100)?;
    }
    Ok(())
}

/// The equator and the prime meridian.
const MIDDLE: i64 = 1 << 31;
/// 1 m, 10 km and 10 m (RFC 1876 §3).
const DEFAULT_SIZES: [u8; 3] = [0x12, 0x16, 0x13];

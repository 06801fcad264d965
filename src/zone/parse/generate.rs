//! `$GENERATE`: one line written many times with a counter, as BIND has it.

/// The counter: from, up to and including, step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    from: u32,
    to: u32,
    step: u32,
}

impl Range {
    /// Reads `from-to` or `from-to/step`; nothing if it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (from, rest) = text.split_once('-')?;
        let (to, step) = rest.split_once('/').unwrap_or((rest, "1"));
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
            text.parse().ok().filter(|number: &u32| plain && *number < 1 << 31)
        };
        let range = Self { from: number(from)?, to: number(to)?, step: number(step)? };
        (range.from <= range.to && range.step > 0).then_some(range)
    }

    /// Returns how many values there are.
    pub(super) const fn count(self) -> u32 {
        (self.to - self.from) / self.step + 1
    }

    /// Walks over the values.
    pub(super) fn values(self) -> impl Iterator<Item = u32> {
        (self.from..=self.to).step_by(self.step as usize)
    }
}

/// Writes `template` with each `$` replaced; `\$` and `$$` stand for a dollar sign.
///
/// # Errors
/// What is wrong with a `${offset,width,base}`.
pub(super) fn substitute(template: &[u8], value: u32, out: &mut Vec<u8>) -> Result<(), String> {
    let mut rest = template;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = match (octet, tail) {
            (b'\\', [b'$', behind @ ..]) | (b'$', [b'$', behind @ ..]) => {
                out.push(b'$');
                behind
            }
            (b'\\', [next, behind @ ..]) => {
                out.extend_from_slice(&[b'\\', *next]);
                behind
            }
            (b'$', [b'{', behind @ ..]) => {
                let end = behind.iter().position(|octet| *octet == b'}').ok_or("`${` without `}`")?;
                let (inside, behind) = behind.split_at(end);
                let inside = std::str::from_utf8(inside).map_err(|_| "`${…}` with other than ASCII")?;
                out.extend_from_slice(number(inside, value)?.as_bytes());
                behind.get(1..).unwrap_or_default()
            }
            (b'$', behind) => {
                out.extend_from_slice(value.to_string().as_bytes());
                behind
            }
            (other, behind) => {
                out.push(other);
                behind
            }
        };
    }
    Ok(())
}

/// Prints a value by `offset[,width[,base]]`.
fn number(modifier: &str, value: u32) -> Result<String, String> {
    let bad = || format!("`${{{modifier}}}` is not offset, width and base");
    let mut parts = modifier.split(',');
    let offset: i64 = parts.next().unwrap_or_default().parse().map_err(|_| bad())?;
    let width: usize = parts.next().unwrap_or("0").parse().map_err(|_| bad())?;
    let base = parts.next().unwrap_or("d");
    if parts.next().is_some() || width > MAX_WIDTH {
        return Err(bad());
    }
    let value = u32::try_from(i64::from(value).saturating_add(offset))
        .map_err(|_| format!("`${{{modifier}}}` makes {value} a negative or too large number"))?;
    Ok(match base {
        "d" => format!("{value:0width$}"),
        "o" => format!("{value:0width$o}"),
        "x" => format!("{value:0width$x}"),
        "X" => format!("{value:0width$X}"),
        "n" => nibbles(value, width),
        "N" => nibbles(value, width).to_ascii_uppercase(),
        _ => return Err(bad()),
    })
}

/// Prints hexadecimal digits, the lowest first, with dots between, up to a width that counts the dots.
fn nibbles(value: u32, width: usize) -> String {
    let (mut left, mut text) = (value, String::new());
    loop {
        text.push(char::from_digit(left & 15, 16).unwrap_or('0'));
        left >>= 4;
        if left == 0 && text.len() >= width {
            return text;
        }
        text.push('.');
        if left == 0 && text.len() >= width {
            return text;
        }
    }
}

/// No label is longer than 63 octets; nibbles go over labels.
const MAX_WIDTH: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(template: &str, value: u32) -> Result<String, String> {
        let mut out = Vec::new();
        substitute(template.as_bytes(), value, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_counter_is_written_in_each_form() {
        for (template, value, text) in [
            ("host-$", 7, "host-7"),
            (r"a\$b$$c", 7, "a$b$c"),
            (r"a\.b\065", 7, r"a\.b\065"),
            ("${0,3,d}", 7, "007"),
            ("${10}", 7, "17"),
            ("${-2,4,x}", 17, "000f"),
            ("${0,0,X}", 171, "AB"),
            ("${0,3,o}", 8, "010"),
            ("${0,7,n}", 0x1234, "4.3.2.1"),
            ("${0,3,N}", 0xab, "B.A"),
        ] {
            assert_eq!(written(template, value).as_deref(), Ok(text), "{template}");
        }
        for template in ["${", "${a}", "${0,0,q}", "${-9}", "${0,999}", "${0,1,d,4}"] {
            assert!(written(template, 7).is_err(), "{template}");
        }
    }

    #[test]
    fn ranges_count_their_values() {
        assert_eq!(Range::read("1-10/3").map(|range| (range.count(), range.values().last())), Some((4, Some(10))));
        for text in ["1", "2-1", "1-2/0", "a-b", "1-2/x", "-1-2", "0-4294967295"] {
            assert_eq!(Range::read(text), None, "{text}");
        }
    }
}

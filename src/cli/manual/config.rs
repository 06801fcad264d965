//! The manual page of the config, made from its example, which is itself made from the statements of the keys.
//!
//! In the example the text stands before the keys that it is about; in the page it stands behind them.

use clap_mangen::roff::{Roff, bold, roman};

/// Every key with its default.
const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// Makes the page, in roff.
pub(super) fn page() -> String {
    let mut roff = Roff::new();
    roff.control("TH", ["understudy.toml", "5"]);
    roff.control("SH", ["NAME"]).text([roman("understudy.toml - the config of understudy(1)")]);
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "The config is a TOML file. Every key is listed here: with its default, or, where it has none, with an example. \
         Durations are written \"250ms\", \"5s\", \"1m30s\", \"2h\". Relative paths start from the folder of the file. \
         understudy check says what is wrong in a file, and SIGHUP has the server read it again.",
    )]);
    let mut entry = Entry::default();
    // What stands before is about the file of the example.
    for line in EXAMPLE.lines().skip_while(|line| !line.starts_with("version")) {
        match Line::of(line) {
            Line::Blank => entry.end(&mut roff),
            Line::Title(title) => {
                entry.end(&mut roff);
                roff.control("SH", [title.to_uppercase().as_str()]);
            }
            Line::Section(section) => {
                entry.end(&mut roff);
                roff.control("SS", [section]);
            }
            Line::Key(key, is_example) => entry.keys.push((key, is_example)),
            Line::Text(text) => {
                if !entry.keys.is_empty() {
                    entry.end(&mut roff);
                }
                entry.text.push(text);
            }
        }
    }
    entry.end(&mut roff);
    roff.control("SH", ["SEE ALSO"]).text([bold("understudy"), roman("(1)")]);
    roff.to_roff()
}

/// Keys that one text is about.
#[derive(Default)]
struct Entry {
    text: Vec<&'static str>,
    /// Each key with its value, and whether that is an example.
    keys: Vec<(&'static str, bool)>,
}

impl Entry {
    /// Writes what was gathered, and begins anew.
    fn end(&mut self, roff: &mut Roff) {
        let Self { text, keys } = std::mem::take(self);
        for (number, (key, is_example)) in keys.iter().enumerate() {
            let macro_name = if number == 0 { "TP" } else { "TQ" };
            let note = if *is_example { "  (an example: it has no default)" } else { "" };
            roff.control(macro_name, []).text([bold(*key), roman(note)]);
        }
        if keys.is_empty() && !text.is_empty() {
            roff.control("PP", []);
        }
        for line in text {
            // Each kind of check begins a line of its own.
            if line.starts_with('{') {
                roff.control("PP", []);
            }
            roff.text([roman(line.trim_start())]);
        }
    }
}

/// What a line of the example is.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Blank,
    Title(&'static str),
    Section(&'static str),
    Key(&'static str, bool),
    Text(&'static str),
}

impl Line {
    fn of(line: &'static str) -> Self {
        let bare = line.trim_start_matches('#').trim();
        if let Some(title) = bare.strip_prefix("── ") {
            return Self::Title(title.trim_end_matches('─').trim_end());
        }
        let name = bare.split_once(" = ").map(|(name, _)| name);
        let letter = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
        if bare.is_empty() {
            Self::Blank
        } else if bare.starts_with('[') && bare.ends_with(']') && !bare.contains('"') {
            Self::Section(bare)
        } else if name.is_some_and(|name| name.bytes().all(letter)) {
            Self::Key(bare, line.starts_with("##"))
        } else {
            Self::Text(line.trim_start_matches('#').strip_prefix(' ').unwrap_or(bare))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_section_and_key_of_the_example() {
        let page = page();
        assert!(page.contains(".TH understudy.toml 5"));
        for section in [
            "[server]",
            "[health]",
            "[policy]",
            "[limits]",
            "[lint]",
            "[[zone]]",
            "[[service]]",
            "[[address]]",
            "[[alias]]",
        ] {
            assert!(page.contains(&format!(".SS {section}")), "{section}");
        }
        for (key, told) in [
            ("listen = [\"127.0.0.1:5300\"", "Where UDP and TCP are answered"),
            ("probe\\-allow = ", "Networks that may be tested"),
            ("failback = \"auto\"", "When a better tier becomes active again"),
            ("match = \"_sip._tcp.example.com\"", "owner of an SRV set"),
        ] {
            assert!(page.contains(key) && page.contains(told), "{key}");
        }
        let keys = EXAMPLE.lines().filter(|line| matches!(Line::of(line), Line::Key(..))).count();
        assert_eq!(page.matches(".TP\n").count() + page.matches(".TQ\n").count(), keys);
    }
}

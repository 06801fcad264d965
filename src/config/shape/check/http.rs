//! `{ kind = "http", … }` and `{ kind = "https", … }`

use std::ops::RangeInclusive;

use toml::de::DeValue;

use crate::base::finding::Finding;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values::{self, Read};
use crate::probe::{Expect, Method, Pattern, Statuses};

/// What `http` and `https` take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpShape {
    /// Whether it is `https`.
    pub is_tls: bool,
    /// `name`: `Host`, SNI and the certificate's name; nothing: the service's domain.
    pub name: Option<String>,
    /// `path`
    pub path: Option<String>,
    /// `method`
    pub method: Option<Method>,
    /// `status`
    pub status: Option<Statuses>,
    /// `expect` or `match`
    pub expect: Option<Expect>,
}

impl HttpShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>, is_tls: bool) -> Self {
        let method = reader.take(table, "method", values::choice(&METHODS)).map(|placed| placed.value);
        Self {
            is_tls,
            name: reader.take(table, "name", values::host).map(|placed| placed.value),
            path: reader.take(table, "path", path).map(|placed| placed.value),
            method,
            status: read_status(reader, table),
            expect: read_expect(reader, table, method),
        }
    }
}

fn read_status(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Statuses> {
    let list = reader.take_list(table, "status", statuses)?;
    let ranges = list.value.into_iter().map(|placed| placed.value).collect();
    let set = Statuses::new(ranges);
    if set.is_none() {
        let finding = Finding::error("check-value", "`status` names no status, so none would pass");
        reader.find(finding.at(list.place).help("name some, such as [\"200-299\", 301]"));
    }
    set
}

fn read_expect(reader: &mut Reader<'_>, table: &Section<'_>, method: Option<Method>) -> Option<Expect> {
    let text = reader.take(table, "expect", short_text);
    let pattern = reader.take(table, "match", |value| {
        let text = short_text(value)?;
        text.parse::<Pattern>().map_err(|error| format!("a regular expression; this one has an error: {error}"))
    });
    let second = if table.has("expect") { "match" } else { "expect" };
    if table.has("expect") && table.has("match") {
        let finding = Finding::error("check-value", "`expect` and `match` both say what the body must hold");
        reader.find(finding.at(reader.key_place(table, second)).help("leave out one of them"));
    } else if method == Some(Method::Head) && (text.is_some() || pattern.is_some()) {
        let finding = Finding::error("check-value", "the answer to HEAD has no body that could hold anything");
        reader.find(finding.at(reader.key_place(table, "method")).help("leave `method` out: GET asks for the body"));
    }
    match (text, pattern) {
        (Some(text), _) => Some(Expect::Text(text.value.into_bytes())),
        (None, Some(pattern)) => Some(Expect::Pattern(pattern.value)),
        (None, None) => None,
    }
}

/// Reads a status, or a range of them.
fn statuses(value: &DeValue<'_>) -> Read<RangeInclusive<u16>> {
    let wanted = || "HTTP statuses (100 to 599) and ranges of them, such as [\"200-299\", 301]".to_owned();
    let number = |text: &str| text.trim().parse::<u16>().ok();
    let range = match value.as_str() {
        Some(text) => match text.split_once('-') {
            Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..=to),
            None => number(text).map(|status| status..=status),
        },
        None => values::integer(100, 599)(value).ok().map(|status| status..=status),
    };
    range.filter(|range| Statuses::new(vec![range.clone()]).is_some()).ok_or_else(wanted)
}

/// Reads a path with its query, in the letters that a request may have (RFC 9112 §3.2.1).
fn path(value: &DeValue<'_>) -> Read<String> {
    let text = short_text(value).ok().filter(|text| text.starts_with('/') && !text.contains('#'));
    let text = text.filter(|text| text.bytes().all(|octet| octet.is_ascii_graphic()));
    text.ok_or_else(|| "a path such as \"/health?deep=1\", other letters than ASCII as %XX".to_owned())
}

fn short_text(value: &DeValue<'_>) -> Read<String> {
    let text = values::text(value).ok().filter(|text| text.len() <= MOST_OCTETS);
    text.ok_or_else(|| format!("a text of 1 to {MOST_OCTETS} octets"))
}

pub(super) const KEYS: &[Key] = &[
    Key::bare("name"),
    Key::bare("path"),
    Key::bare("method"),
    Key::bare("status"),
    Key::bare("expect"),
    Key::bare("match"),
];
const METHODS: [(&str, Method); 2] = [("GET", Method::Get), ("HEAD", Method::Head)];
/// The longest path, text or pattern, in octets.
const MOST_OCTETS: usize = 1024;

//! `{ kind = "sip", … }`

use toml::de::DeValue;

use crate::base::finding::Finding;
use crate::config::infer::Transport;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values::{self, Read};
use crate::probe::sip::{Expect, Pattern, Sip};

/// What `sip` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SipShape {
    /// `name`: the domain that is asked for, SNI and the certificate's name; nothing: the service's domain.
    pub name: Option<String>,
    /// `transport`; nothing: what the owner name says.
    pub transport: Option<Transport>,
    /// `mode` or `expect`; nothing: `alive`.
    pub expect: Option<Expect>,
    /// `max-forwards`
    pub max_forwards: Option<u8>,
}

impl SipShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let max_forwards = reader.take(table, "max-forwards", values::integer(0, 255)).map(|placed| placed.value);
        Self {
            name: reader.take(table, "name", domain).map(|placed| placed.value),
            transport: reader.take(table, "transport", values::choice(&Transport::WORDS)).map(|placed| placed.value),
            expect: read_expect(reader, table, max_forwards),
            max_forwards,
        }
    }
}

fn domain(value: &DeValue<'_>) -> Read<String> {
    let text = values::host(value)?;
    if Sip::can_ask_for(&text) { Ok(text) } else { Err("a host name, such as \"example.com\"".to_owned()) }
}

fn read_expect(reader: &mut Reader<'_>, table: &Section<'_>, max_forwards: Option<u8>) -> Option<Expect> {
    let mode = reader.take(table, "mode", values::choice(&[("alive", false), ("strict", true)]));
    let expect = reader.take_list(table, "expect", pattern);
    if let (Some(_), true) = (&expect, table.has("mode")) {
        let finding = Finding::error("check-value", "`expect` and `mode` both say which answers pass");
        reader.find(finding.at(reader.key_place(table, "mode")).help("leave out one of them"));
    }
    let is_empty = |value: &DeValue<'_>| Ok(value.as_array().is_some_and(|list| list.is_empty()));
    if let Some(empty) = reader.take(table, "expect", is_empty).filter(|empty| empty.value) {
        let finding = Finding::error("check-value", "`expect` names no answer, so none would pass");
        reader.find(finding.at(empty.place).help("name some, such as [\"2xx\", 483]"));
    }
    let is_strict = mode.as_ref().is_some_and(|mode| mode.value);
    if is_strict && max_forwards == Some(0) {
        let finding =
            Finding::warning("check-value", "`max-forwards` 0 makes proxies answer 483, which `strict` fails");
        let finding = finding.at(reader.key_place(table, "max-forwards"));
        reader.find(finding.help("write expect = [\"2xx\", 483] in place of mode, or leave max-forwards out"));
    }
    match expect {
        Some(list) => Some(Expect::Only(list.value.into_iter().map(|pattern| pattern.value).collect())),
        None => mode.map(|mode| if mode.value { Expect::strict() } else { Expect::Alive }),
    }
}

/// Reads a final status, or a class of them.
fn pattern(value: &DeValue<'_>) -> Read<Pattern> {
    let wanted = || "final SIP statuses (200 to 699) and classes of them, such as [\"2xx\", 483]".to_owned();
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None => values::integer::<u16>(200, 699)(value).map_err(|_| wanted())?.to_string(),
    };
    text.parse().map_err(|()| wanted())
}

pub(super) const KEYS: &[Key] =
    &[Key::bare("name"), Key::bare("transport"), Key::bare("mode"), Key::bare("expect"), Key::bare("max-forwards")];

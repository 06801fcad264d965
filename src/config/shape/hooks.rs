//! The keys of `[[hook]]`: who is told what happens.

use std::path::PathBuf;

use toml::de::DeValue;

use crate::admin::hooks::{KINDS, Url};
use crate::keys::reader::{Each, Reader, Section};
use crate::keys::source::Placed;
use crate::keys::values::{self, Read};
use crate::keys::{Key, statement};

statement! {
    /// The keys of `[[hook]]`.
    pub struct HookKeys {
        /// Who is told what happens, by POST to a `url` or by a `program`; docs/hooks.md has bodies for Slack, ntfy, PagerDuty and
        /// Alertmanager. The name stands in logs and metrics.
        name: String = short, apart "\"oncall\"";
        /// Of which events: by default "decision", "isolated", "certificate" and "reload-failed". There are also "target",
        /// "connection-broke", "order-given", "order-cleared", "order-ended", "failback-ordered", "reloaded" and "transfer".
        events: Vec<&'static str> = Each(event), apart "[\"decision\", \"target\"]";
        /// Where to. The body is the event as JSON, or what a template (Jinja) makes of it. A message that is not taken is sent six
        /// times within a minute and a half.
        url: Url = url, apart "\"https://ntfy.example.net/understudy\"";
        body: String = values::text, apart "'{\"text\": {{ text }}}'";
        content_type: String = content_type, apart "\"application/json\"";
        /// Files with the key that signs each message (HMAC-SHA256), with the token that lets us in (`authorization: Bearer`), and
        /// with the authorities that the server is known by, in place of the system's.
        secret_file: PathBuf = values::path, apart "\"hook.secret\"";
        token_file: PathBuf = values::path, apart "\"hook.token\"";
        ca_file: PathBuf = values::path, apart "\"hook-ca.pem\"";
        /// A program in place of a URL, run once for each event, without a shell, as the server's user, for 10 s at most. It has the
        /// event as JSON on its standard input. `exec = true` in [health] allows it.
        program: PathBuf = program, apart "\"/usr/local/bin/page-me\"";
        arguments: Vec<String> = Each(values::text), apart "[\"--team\", \"voice\"]";
    }
}

/// One `[[hook]]`.
#[derive(Clone, Debug)]
pub struct HookEntry {
    /// Its name.
    pub name: Placed<String>,
    /// Its other keys.
    pub keys: HookKeys,
}

/// Reads every `[[hook]]`.
pub(super) fn read_hooks(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<HookEntry> {
    let sections = reader.tables(root, "hook", "[[hook]]");
    sections.iter().filter_map(|section| read_hook(reader, section)).collect()
}

fn read_hook(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<HookEntry> {
    reader.refuse_unknown_keys(section, HOOK);
    if !section.has("name") {
        reader.missing(section, "name", "name it, such as name = \"oncall\"");
    }
    if !section.has("url") && !section.has("program") {
        reader.missing(section, "url", "say who is told, such as url = \"https://ntfy.example.net/understudy\"");
    }
    let keys = HookKeys::read(reader, section);
    Some(HookEntry { name: keys.name.clone()?, keys })
}

fn short(value: &DeValue<'_>) -> Read<String> {
    values::short_text(value, 64)
}

fn event(value: &DeValue<'_>) -> Read<&'static str> {
    let known = KINDS.iter().find(|kind| Some(**kind) == value.as_str());
    known.copied().ok_or_else(|| format!("kinds of events: {}", KINDS.join(", ")))
}

fn url(value: &DeValue<'_>) -> Read<Url> {
    Url::parse(value.as_str().unwrap_or_default())
}

fn content_type(value: &DeValue<'_>) -> Read<String> {
    let text = values::short_text(value, 100)?;
    let is_type = text.contains('/') && text.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
    if is_type { Ok(text) } else { Err("a type of bodies, such as \"application/json\"".to_owned()) }
}

fn program(value: &DeValue<'_>) -> Read<PathBuf> {
    let path = values::path(value).ok().filter(|path| path.is_absolute());
    path.ok_or_else(|| "the absolute path of a program: there is no shell, and no PATH".to_owned())
}

/// All keys of `[[hook]]`.
pub(super) const HOOK: &[&[Key]] = &[HookKeys::KEYS];

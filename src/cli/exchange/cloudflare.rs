//! Records of Cloudflare's API: what is posted (`type`, `name`, `data` or `content`), and what it lists (`result`).

use serde_json::Value;

use crate::base::finding::Finding;
use crate::zone::Name;

use super::json::{number, string};
use super::record::{Imported, Record};

/// Returns whether a value has the form of records of Cloudflare.
pub(super) fn is_it(value: &Value) -> bool {
    match value.as_array() {
        Some(list) => list.iter().all(|one| one.get("type").is_some()),
        None => value.get("result").is_some() || value.get("type").is_some(),
    }
}

/// Reads a record, a list of them, or a response of the API.
pub(super) fn read(file: &str, value: &Value, into: &mut Imported) {
    if value.get("success") == Some(&Value::Bool(false)) {
        let help = "ask the API again; this response has no records";
        return into.refuse(file, "the API refused the request", help);
    }
    let inner = value.get("result").unwrap_or(value);
    let pages = value.get("result_info").and_then(|info| info.get("total_pages")).and_then(Value::as_u64);
    if pages.is_some_and(|pages| pages > 1) {
        let finding = Finding::warning("import-pages", format!("{file}: the API has more pages than this one"));
        into.findings.push(finding.help("give the files of all pages, or ask for more with `per_page=5000`"));
    }
    let records = inner.as_array().map_or_else(|| std::slice::from_ref(inner), Vec::as_slice);
    for record in records {
        let place = format!("{file}, record {}", into.records.len() + 1);
        if into.zone.is_none() {
            into.zone =
                string(record, "zone_name").and_then(|name| Name::parse(name.as_bytes(), Some(&Name::root())).ok());
        }
        match read_one(&place, record) {
            Ok(read) => into.records.push(read),
            Err((what, help)) => into.refuse(&place, what, help),
        }
        if record.get("proxied") == Some(&Value::Bool(true)) {
            into.findings.push(
                Finding::warning(
                    "import-proxied",
                    format!("{place} is proxied: Cloudflare answers with its own addresses"),
                )
                .why("here the address of the record itself is served, so clients go to it directly"),
            );
        }
    }
}

/// What is wrong with a record, and what would be right.
type Refusal = (String, &'static str);

fn read_one(place: &str, record: &Value) -> Result<Record, Refusal> {
    let rtype = string(record, "type").ok_or_else(|| ("it has no `type`".to_owned(), "each record has its `type`"))?;
    let rtype = rtype.to_ascii_uppercase();
    let data = record.get("data").filter(|data| data.is_object());
    // Cloudflare writes 1 for "automatic", which is 300 s.
    let ttl = match record.get("ttl").map(|ttl| (number::<u32>(ttl), ttl)) {
        None | Some((Some(1), _)) => AUTOMATIC_TTL,
        Some((Some(ttl), _)) => ttl,
        Some((None, other)) => return Err((format!("its TTL is {other}"), "a TTL is a number of seconds")),
    };
    let content = || string(record, "content").ok_or_else(|| ("it has no `content`".to_owned(), "add its `content`"));
    let value = match (rtype.as_str(), data) {
        ("SRV", Some(data)) => srv(data)?,
        ("CAA", Some(data)) => {
            let tag = string(data, "tag")
                .ok_or_else(|| ("it has no `tag`".to_owned(), "a CAA has `flags`, `tag`, `value`"))?;
            format!(
                "{} {tag} {}",
                numeric(data, "flags")?,
                quoted(data.get("value").and_then(Value::as_str).unwrap_or_default())
            )
        }
        ("MX" | "URI" | "SRV", _) => match record.get("priority").and_then(number::<u16>) {
            Some(priority) => format!("{priority} {}", content()?),
            None => content()?.to_owned(),
        },
        ("TXT" | "SPF", _) => {
            // Blanks around a text are part of it.
            let content = record.get("content").and_then(Value::as_str).map_or_else(content, Ok)?;
            if content.starts_with('"') { content.to_owned() } else { quoted(content) }
        }
        _ => content()?.to_owned(),
    };
    let owner = owner(record, data).ok_or_else(|| ("it has no `name`".to_owned(), "add its `name`"))?;
    Ok(Record { place: place.to_owned(), owner, rtype, ttl, value })
}

/// The fields of an SRV record, which the API keeps apart.
fn srv(data: &Value) -> Result<String, Refusal> {
    let target = string(data, "target").ok_or_else(|| ("it has no `target`".to_owned(), SRV_FIELDS))?;
    let (priority, weight, port) = (numeric(data, "priority")?, numeric(data, "weight")?, numeric(data, "port")?);
    Ok(format!("{priority} {weight} {port} {target}"))
}

fn numeric(data: &Value, key: &str) -> Result<u16, Refusal> {
    let given = data.get(key).ok_or_else(|| (format!("it has no `{key}`"), SRV_FIELDS))?;
    number(given).ok_or_else(|| (format!("its `{key}` is {given}"), "the number is from 0 to 65535"))
}

/// The owner name: service, protocol and name of the data, where they are apart, else the record's name.
fn owner(record: &Value, data: Option<&Value>) -> Option<String> {
    let parts = data.and_then(|data| Some((string(data, "service")?, string(data, "proto")?, string(data, "name"))));
    let Some((service, proto, name)) = parts else { return string(record, "name").map(str::to_owned) };
    let name = name.or_else(|| string(record, "name")).unwrap_or("@");
    // Some tools repeat service and protocol in the name.
    let head = format!("{service}.{proto}");
    match name {
        "@" => Some(head),
        name if name.to_ascii_lowercase().starts_with(&head.to_ascii_lowercase()) => Some(name.to_owned()),
        name => Some(format!("{head}.{name}")),
    }
}

/// Puts a text in quotes, in strings of at most 255 octets.
pub(super) fn quoted(text: &str) -> String {
    let octets = text.as_bytes();
    if octets.is_empty() {
        return "\"\"".to_owned();
    }
    let strings = octets.chunks(255).map(|chunk| {
        let inner = chunk.iter().map(|&octet| match octet {
            b'"' | b'\\' => format!("\\{}", char::from(octet)),
            b' '..=b'~' => char::from(octet).to_string(),
            other => format!("\\{other:03}"),
        });
        format!("\"{}\"", inner.collect::<String>())
    });
    strings.collect::<Vec<_>>().join(" ")
}

const AUTOMATIC_TTL: u32 = 300;
const SRV_FIELDS: &str = "the `data` of an SRV record has `priority`, `weight`, `port` and `target`";

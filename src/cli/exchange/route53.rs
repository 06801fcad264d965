//! Records of Route 53: change batches, with and without `ChangeBatch` around them, and what
//! `list-resource-record-sets` prints.

use serde_json::Value;

use crate::base::finding::Finding;

use super::json::{number, string};
use super::record::{Imported, Record};

/// Returns whether a value has the form of a change batch or a list of Route 53.
pub(super) fn is_it(value: &Value) -> bool {
    FORMS.iter().any(|key| value.get(key).is_some())
}

/// Reads a change batch or a list.
pub(super) fn read(file: &str, value: &Value, into: &mut Imported) {
    let batch = value.get("ChangeBatch").unwrap_or(value);
    if let Some(changes) = batch.get("Changes").and_then(Value::as_array) {
        for (index, change) in changes.iter().enumerate() {
            let place = format!("{file}, change {}", index + 1);
            let set = change.get("ResourceRecordSet").unwrap_or(&Value::Null);
            match string(change, "Action").map(str::to_ascii_uppercase).as_deref() {
                Some("CREATE" | "UPSERT") => read_set(&place, set, into),
                Some("DELETE") => {
                    let name = string(set, "Name").unwrap_or("it").to_owned();
                    let finding = Finding::note("import-delete", format!("{place} deletes {name}: left out"));
                    into.findings.push(finding);
                }
                Some(other) => into.refuse(&place, format!("its `Action` is {other}"), ACTIONS),
                None => into.refuse(&place, "it has no `Action`", ACTIONS),
            }
        }
    } else if let Some(sets) = batch.get("ResourceRecordSets").and_then(Value::as_array) {
        for (index, set) in sets.iter().enumerate() {
            read_set(&format!("{file}, set {}", index + 1), set, into);
        }
    } else {
        into.refuse(file, "it has no list of changes", "a change batch is an object with the list `Changes`");
    }
    if value.get("IsTruncated") == Some(&Value::Bool(true)) {
        let finding = Finding::warning("import-pages", format!("{file}: Route 53 has more records than this list"));
        into.findings.push(finding.help("give the files of all pages"));
    }
}

fn read_set(place: &str, set: &Value, into: &mut Imported) {
    let (Some(name), Some(rtype)) = (string(set, "Name"), string(set, "Type")) else {
        return into.refuse(place, "it has no `Name` or no `Type`", "a record set has both");
    };
    if set.get("AliasTarget").is_some() {
        let finding =
            Finding::error("import-alias", format!("{place}: {name} {rtype} is an alias, which is no DNS record"));
        into.findings.push(finding.help("take the set out, and write the addresses that it stands for in its place"));
        return;
    }
    if let Some(id) = string(set, "SetIdentifier").filter(|_| is_alias(rtype)) {
        let is_known =
            |record: &Record| is_alias(&record.rtype) && record.owner.eq_ignore_ascii_case(&decimal_escapes(name));
        let is_first = !into.records.iter().any(is_known);
        let what = if is_first { "is taken" } else { "is left out: a name has one CNAME record" };
        into.findings.push(
            Finding::warning(
                "import-routing",
                format!("{place}: {name} CNAME `{id}`, one of several by a routing policy, {what}"),
            )
            .why("where the name leads depends on health here")
            .help("let an [[alias]] of the config lead to the names of all of these sets, by tiers or weights"),
        );
        if !is_first {
            return;
        }
    } else if let Some(id) = string(set, "SetIdentifier") {
        into.findings.push(
            Finding::warning("import-routing", format!("{place}: {name} {rtype} is `{id}`, one of several sets by a routing policy"))
                .why("the zone has one set of all of them; which record is served depends on its priority and on health here")
                .help("give the records of a failover pair different priorities, the standby's the greater one; addresses may have tiers and weights in an [[address]]"),
        );
    }
    let Some(ttl) = set.get("TTL").and_then(number::<u32>) else {
        return into.refuse(place, format!("{name} {rtype} has no `TTL`"), "a TTL is a number of seconds");
    };
    let Some(records) = set.get("ResourceRecords").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
        return into.refuse(place, format!("{name} {rtype} has no `ResourceRecords`"), "list at least one `Value`");
    };
    for record in records {
        match string(record, "Value") {
            Some(value) => into.records.push(Record {
                place: place.to_owned(),
                owner: decimal_escapes(name),
                rtype: rtype.to_ascii_uppercase(),
                ttl,
                value: if is_text(rtype) { decimal_escapes(value) } else { value.to_owned() },
            }),
            None => into.refuse(place, format!("a record of {name} {rtype} has no `Value`"), "add its `Value`"),
        }
    }
}

fn is_alias(rtype: &str) -> bool {
    rtype.eq_ignore_ascii_case("CNAME")
}

fn is_text(rtype: &str) -> bool {
    ["TXT", "SPF", "CAA"].iter().any(|text| rtype.eq_ignore_ascii_case(text))
}

/// Route 53 escapes by octal numbers, as in `\052` for an asterisk; master files by decimal ones.
fn decimal_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let octal = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (octal, after.chars().next()) {
            (Some(b'*'), _) => out.push('*'),
            (Some(octet), _) => out.push_str(&format!("\\{octet:03}")),
            (None, Some(next)) => out.extend(['\\', next]),
            (None, None) => out.push('\\'),
        }
        let taken = if octal.is_some() { 3 } else { after.chars().next().map_or(0, char::len_utf8) };
        rest = after.get(taken..).unwrap_or_default();
    }
    out + rest
}

/// The other way round: decimal escapes of a master file as octal ones.
pub(super) fn octal_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let decimal = after.get(..3).and_then(|digits| digits.parse::<u8>().ok());
        match (decimal, after.chars().next()) {
            (Some(octet), _) => out.push_str(&format!("\\{octet:03o}")),
            (None, Some(next)) => out.extend(['\\', next]),
            (None, None) => {}
        }
        let taken = if decimal.is_some() { 3 } else { after.chars().next().map_or(0, char::len_utf8) };
        rest = after.get(taken..).unwrap_or_default();
    }
    out + rest
}

const FORMS: [&str; 3] = ["ChangeBatch", "Changes", "ResourceRecordSets"];
const ACTIONS: &str = "an `Action` is CREATE, UPSERT or DELETE";

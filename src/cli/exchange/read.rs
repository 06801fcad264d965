//! Tells by its content which form a file has.

use crate::base::finding::Finding;
use crate::zone::Name;

use super::record::Imported;
use super::{cloudflare, json, route53, zone_file};

/// Reads one file: JSON, if it begins so, else a master file.
pub(super) fn read(file: &str, text: &[u8], zone: Option<&Name>, into: &mut Imported) {
    let first = text.iter().find(|octet| !octet.is_ascii_whitespace());
    if !matches!(first, Some(b'{' | b'[')) {
        return zone_file::read(file, text, zone, into);
    }
    let values = match json::values(file, text) {
        Ok(values) => values,
        Err(finding) => return into.findings.push(*finding),
    };
    for value in &values {
        if route53::is_it(value) {
            route53::read(file, value, into);
        } else if cloudflare::is_it(value) {
            cloudflare::read(file, value, into);
        } else {
            let finding = Finding::error("import-form", format!("{file}: this is no record that is known here"));
            into.findings.push(finding.help(
                "give records of Cloudflare's API (an object with `type`, or `result`), a change batch or a list of \
                 Route 53 (`Changes`, `ChangeBatch`, `ResourceRecordSets`), or a master file",
            ));
        }
    }
}

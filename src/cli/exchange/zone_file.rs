//! Master files, as BIND, PowerDNS, NSD and Cloudflare's export write them; also parts of one, without an SOA.

use crate::base::finding::{Finding, Severity};
use crate::zone::parse::{NoSources, Origin, parse};
use crate::zone::{Name, Rtype};

use super::record::{Imported, WireRecord};

/// Reads a master file.
pub(super) fn read(file: &str, text: &[u8], zone: Option<&Name>, into: &mut Imported) {
    let known = zone.cloned().or_else(|| into.zone.clone());
    let origin = known.as_ref().map_or(Origin::Unknown, Origin::Named);
    let mut parsed = parse(file, text, origin, &mut NoSources);
    let mut is_part = false;
    if parsed.zone.is_none() && parsed.apex.is_none() {
        let Some(zone) = &known else {
            let finding =
                Finding::error("import-zone", format!("{file} has no SOA: the name of its zone is not known"));
            return into.findings.push(finding.help("say it, as in --zone example.com"));
        };
        // At the end, so that findings keep their lines.
        let apex = format!("\n{zone} 300 IN SOA {BORROWED} . 1 3600 600 604800 30\n{zone} 300 IN NS {BORROWED}\n");
        let part = [text, apex.as_bytes()].concat();
        parsed = parse(file, &part, Origin::Named(zone), &mut NoSources);
        is_part = true;
    }
    let proxied = text.split(|octet| *octet == b'\n').filter(|line| contains(line, b"cf-proxied:true")).count();
    if proxied > 0 {
        into.findings.push(
            Finding::warning(
                "import-proxied",
                format!("{file}: {proxied} records are proxied: Cloudflare answers with its own addresses"),
            )
            .why("here the addresses of the records themselves are served, so clients go to them directly"),
        );
    }
    let found = parsed.zone.is_some();
    into.findings.extend(parsed.findings.into_iter().filter(|finding| !found || finding.severity == Severity::Error));
    let Some(parsed) = parsed.zone else { return };
    if into.zone.is_none() {
        into.zone = Some(parsed.origin().clone());
    }
    for (owner, set) in parsed.sets() {
        let own = set.rdatas().filter(|rdata| !is_part || !is_borrowed(set.rtype(), rdata));
        into.wire.extend(own.map(|rdata| WireRecord {
            place: file.to_owned(),
            owner: owner.clone(),
            rtype: set.rtype(),
            ttl: set.ttl_of(rdata),
            rdata: rdata.to_vec(),
        }));
    }
}

/// Whether a record is of the two that made a zone of a part.
fn is_borrowed(rtype: Rtype, rdata: &[u8]) -> bool {
    matches!(rtype, Rtype::SOA | Rtype::NS) && rdata.starts_with(b"\x08borrowed\x07invalid\x00")
}

fn contains(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|part| part == word)
}

/// The name server of a part of a zone, which no zone has.
const BORROWED: &str = "borrowed.invalid.";

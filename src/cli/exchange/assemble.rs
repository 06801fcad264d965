//! Makes one zone of records: whose zone it is, its names put right, an SOA and name servers if there are none.

use std::collections::BTreeSet;

use crate::base::finding::{Finding, Severity, worst};
use crate::zone::write::parse_rdata;
use crate::zone::{Name, Rtype, Zone, ZoneBuilder};

use super::names::{self, Mend, plain};
use super::record::{Imported, Record, WireRecord};

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// The zone's name.
    pub(super) zone: Option<Name>,
    /// Its name servers, in the place of those that the records name.
    pub(super) name_servers: Vec<Name>,
    /// Leave names as they are written.
    pub(super) as_written: bool,
}

/// Returns the zone, unless a finding is an error, and all findings.
pub(super) fn assemble(mut imported: Imported, options: &Options) -> (Option<Zone>, Vec<Finding>) {
    let Some(origin) = options.zone.clone().or_else(|| zone_of(&mut imported)) else {
        if imported.findings.is_empty() {
            let finding = Finding::error("import-zone", "the name of the zone cannot be told from the records");
            imported.findings.push(finding.help("say it, as in --zone example.com"));
        }
        return (None, imported.findings);
    };
    let mut findings = imported.findings;
    let mut told = BTreeSet::new();
    let mut records = Vec::new();
    for record in &imported.records {
        match to_wire(record, &origin, &mut told) {
            Ok((wire, found)) => {
                records.push(wire);
                findings.extend(found);
            }
            Err(finding) => findings.push(*finding),
        }
    }
    records.extend(imported.wire);
    if !options.as_written {
        records.iter_mut().for_each(|record| put_right(record, &origin, &mut told, &mut findings));
    }
    outside(&mut records, &origin, &mut findings);
    name_servers(&mut records, &origin, options, &mut findings);
    if worst(&findings) == Some(Severity::Error) {
        return (None, findings);
    }
    let zone = build(&records, &origin).map_err(|finding| findings.push(*finding)).ok();
    (zone, findings)
}

/// The zone's name: as a file says it, or as SOA, name servers or all owner names have it in common.
fn zone_of(imported: &mut Imported) -> Option<Name> {
    if let Some(zone) = &imported.zone {
        return Some(zone.clone());
    }
    let owner = |record: &Record| Name::parse(record.owner.as_bytes(), Some(&Name::root())).ok();
    let soa = imported.records.iter().find(|record| record.rtype == "SOA").and_then(owner);
    if soa.is_some() {
        return soa;
    }
    let mut owners = imported.records.iter().filter_map(owner).map(|name| host_part(&name));
    let mut common = owners.next()?;
    for name in owners {
        while !name.is_within(&common) {
            common = common.parent()?;
        }
    }
    if common.label_count() < 2 {
        return None;
    }
    // `a.example.com.example.com` alone would make a zone of that name.
    let once = (1..common.label_count()).find_map(|count| {
        let zone = tail(&common, count)?;
        let (shorter, mend) = names::once(&common, &zone);
        (zone.label_count() >= 2 && mend.is_some()).then_some(shorter)
    });
    let common = once.unwrap_or(common);
    let finding =
        Finding::note("import-zone", format!("the zone is taken to be {}, as all records are in it", plain(&common)));
    imported.findings.push(finding.help("if it is another, say so, as in --zone example.com"));
    Some(common)
}

/// A name without the labels of services before it.
fn host_part(name: &Name) -> Name {
    let mut name = name.clone();
    while name.labels().next().is_some_and(|label| label.starts_with(b"_") || label == b"*") {
        let Some(parent) = name.parent() else { break };
        name = parent;
    }
    name
}

/// The last labels of a name.
fn tail(name: &Name, count: usize) -> Option<Name> {
    let mut name = name.clone();
    while name.label_count() > count {
        name = name.parent()?;
    }
    Some(name)
}

/// Reads a record's names, type and data.
fn to_wire(
    record: &Record,
    zone: &Name,
    told: &mut BTreeSet<String>,
) -> Result<(WireRecord, Vec<Finding>), Box<Finding>> {
    let refuse = |what: String, help: &str| {
        let finding = Finding::error("import-record", format!("{}: {what}", record.place));
        Box::new(finding.help(help))
    };
    let wrong =
        |text: &str, error| refuse(format!("{text} is no name: {error}"), "give a name such as sip-node1.example.com.");
    let mut findings = Vec::new();
    // An owner such as `www` or `_sip._tcp` is one of the zone without a word.
    let (mut owner, mend) = names::whole(&record.owner, zone).map_err(|error| wrong(&record.owner, error))?;
    let is_relative = !owner.is_within(zone) && !record.owner.ends_with('.') && !has_known_ending(&owner, zone);
    if mend.is_none() && is_relative {
        owner = Name::parse(record.owner.as_bytes(), Some(zone)).map_err(|error| wrong(&record.owner, error))?;
    }
    let rtype = Rtype::parse(&record.rtype).ok_or_else(|| {
        refuse(format!("the type {} is not known", record.rtype), "give the type's name, or TYPE and its number")
    })?;
    let mut value = record.value.clone();
    if names::host_offset(rtype).is_some() {
        let (head, host) = value.rsplit_once([' ', '\t']).unwrap_or(("", &value));
        let (name, mend) = names::whole(host, zone).map_err(|error| wrong(host, error))?;
        if mend == Some(Mend::Single) && told.insert(format!("single {name}")) {
            let message = format!("{}: the host {host} is taken as {}", record.place, plain(&name));
            findings
                .push(Finding::warning("import-name-single", message).why("a host with a single label is in no zone"));
        }
        value = format!("{head} {name}");
    }
    let rdata = parse_rdata(rtype, value.trim(), Some(&Name::root())).map_err(|error| {
        refuse(
            format!("{} {}: {error}", record.owner, record.rtype),
            error.help.as_deref().unwrap_or("write the record's data as a master file has it"),
        )
    })?;
    let wire = WireRecord { place: record.place.clone(), owner, rtype, ttl: record.ttl, rdata };
    Ok((wire, findings))
}

/// Whether a name ends as the zone does, in its top-level label: then it is whole, and of another zone.
fn has_known_ending(name: &Name, zone: &Name) -> bool {
    name.labels().last().is_some_and(|top| zone.labels().last().is_some_and(|own| top.eq_ignore_ascii_case(own)))
}

/// Takes off endings that stand twice, of the owner and of the host.
fn put_right(record: &mut WireRecord, zone: &Name, told: &mut BTreeSet<String>, findings: &mut Vec<Finding>) {
    let mut tell = |mend: Option<Mend>, now: &Name| {
        let Some(Mend::Repeated(was)) = mend else { return };
        if told.insert(was.to_string()) {
            let message = format!("{}: {} is taken as {}", record.place, plain(&was), plain(now));
            findings.push(
                Finding::warning("import-suffix-twice", message)
                    .why("the zone's name stands at its end twice: a final dot was missing where it was written")
                    .help("if it is meant so, import with --as-written"),
            );
        }
    };
    let (owner, mend) = names::once(&record.owner, zone);
    tell(mend, &owner);
    record.owner = owner;
    let Some((head, host)) = names::host_offset(record.rtype).and_then(|offset| record.rdata.split_at_checked(offset))
    else {
        return;
    };
    if let Ok(host) = Name::from_wire(host) {
        let (host, mend) = names::once(&host, zone);
        tell(mend, &host);
        record.rdata = [head, host.wire()].concat();
    }
}

/// Reports records of other zones.
fn outside(records: &mut Vec<WireRecord>, zone: &Name, findings: &mut Vec<Finding>) {
    records.retain(|record| {
        let inside = record.owner.is_within(zone);
        if !inside {
            let message = format!("{}: {} is outside of {}", record.place, plain(&record.owner), plain(zone));
            let help = format!(
                "take the record out, or import the zone that it is of by itself, with --zone {}",
                plain(&record.owner)
            );
            findings.push(Finding::error("import-outside", message).help(help));
        }
        inside
    });
}

/// Adds an SOA and NS records where there are none, and says whose they are where there are.
fn name_servers(records: &mut Vec<WireRecord>, zone: &Name, options: &Options, findings: &mut Vec<Finding>) {
    let is_apex =
        |record: &WireRecord, rtype| record.rtype == rtype && record.owner.wire().eq_ignore_ascii_case(zone.wire());
    if !options.name_servers.is_empty() {
        records.retain(|record| !is_apex(record, Rtype::NS) && !is_apex(record, Rtype::SOA));
    }
    let mut servers: Vec<Name> = records
        .iter()
        .filter(|record| is_apex(record, Rtype::NS))
        .filter_map(|record| Name::from_wire(&record.rdata).ok())
        .collect();
    if servers.is_empty() {
        servers.clone_from(&options.name_servers);
        if servers.is_empty() {
            servers.extend(zone.child(b"ns1"));
            let message = format!("the records name no server of the zone: ns1.{} is taken", plain(zone));
            let finding = Finding::note("import-name-servers", message);
            findings.push(finding.help(
                "say where understudy will answer, as in --name-server ns1.example.com, and give that name an address",
            ));
        }
        records.extend(servers.iter().map(|server| WireRecord {
            place: String::new(),
            owner: zone.clone(),
            rtype: Rtype::NS,
            ttl: TTL,
            rdata: server.wire().to_vec(),
        }));
    } else if servers.iter().all(|server| !server.is_within(zone)) {
        let message =
            format!("the name servers of {} are those of its provider, such as {}", plain(zone), plain(&servers[0]));
        let finding = Finding::warning("import-name-servers", message);
        findings.push(finding.help("say where understudy will answer, as in --name-server ns1.example.com"));
    }
    if !records.iter().any(|record| is_apex(record, Rtype::SOA)) {
        let primary = servers.first().unwrap_or(zone);
        let text = format!("{primary} hostmaster.{zone} 1 3600 600 604800 30");
        if let Ok(rdata) = parse_rdata(Rtype::SOA, &text, None) {
            records.push(WireRecord { place: String::new(), owner: zone.clone(), rtype: Rtype::SOA, ttl: TTL, rdata });
        }
    }
}

fn build(records: &[WireRecord], zone: &Name) -> Result<Zone, Box<Finding>> {
    let mut builder = ZoneBuilder::new(zone.clone());
    for WireRecord { place, owner, rtype, ttl, rdata } in records {
        builder
            .add(owner, *rtype, *ttl, rdata)
            .map_err(|error| Box::new(Finding::error("import-record", format!("{place}: {error}"))))?;
    }
    builder.finish().map_err(|error| {
        let finding = Finding::error("import-record", error.to_string());
        Box::new(finding.help("put it right where the records come from, then import them again"))
    })
}

const TTL: u32 = 300;

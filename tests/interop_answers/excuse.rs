//! The differences that are meant: each has a row in `docs/conformance.md` that says why.

use std::collections::BTreeSet;

use understudy::zone::{Rtype, name};

use crate::compare::Row;
use crate::message::{Record, Said};

/// Finds the row of an answer that differs in code, flags, answer or authority.
pub(crate) fn answer(row: &Row) -> Option<&'static str> {
    if row.question.1 == Rtype::ANY && is_one_whole_set(row) {
        return Some("any");
    }
    if is_alias_into_another_zone(row) {
        return Some("alias-between-zones");
    }
    row.theirs.iter().any(|(_, said)| proves_an_empty_wildcard(&row.ours, said)).then_some("empty-wildcard")
}

/// Finds the row of additional records that differ.
pub(crate) fn additional(row: &Row) -> Option<&'static str> {
    if row.question.1 == Rtype::ANY {
        return Some("any");
    }
    let answers = |rtype: Rtype| row.ours.answer.iter().any(|record| record.rtype == rtype);
    if answers(Rtype::NAPTR) || answers(Rtype::HTTPS) || answers(Rtype::SVCB) {
        return Some("naptr-and-https-additional");
    }
    if lacks_glue_by_wildcard(row) {
        return Some("glue-by-wildcard");
    }
    let zones: BTreeSet<Vec<u8>> = row.ours.answer.iter().map(|record| zone_of(&record.owner)).collect();
    let (_, most) =
        row.theirs.iter().max_by_key(|(_, said)| said.additional.intersection(&row.ours.additional).count())?;
    let extra: Vec<&Record> = row.ours.additional.difference(&most.additional).collect();
    let between = !extra.is_empty() && extra.iter().all(|record| !zones.contains(&zone_of(&record.owner)));
    between.then_some("additional-between-zones")
}

/// Others make glue out of a wildcard below a cut, as BIND and we do not.
fn lacks_glue_by_wildcard(row: &Row) -> bool {
    let refers = row.ours.authority.iter().any(|record| record.rtype == Rtype::NS);
    let bind = row.theirs.iter().find(|(name, _)| *name == "bind");
    refers && bind.is_some_and(|(_, bind)| bind.additional.is_subset(&row.ours.additional))
}

/// Behind the aliases, if any, one set is answered, and another server has it too with all of its records, or chose
/// another one.
fn is_one_whole_set(row: &Row) -> bool {
    let is_data = |rtype: &Rtype| !matches!(*rtype, Rtype::RRSIG | Rtype::CNAME | Rtype::DNAME);
    let types: BTreeSet<Rtype> = row.ours.answer.iter().map(|record| record.rtype).filter(is_data).collect();
    let rcodes_agree = row.theirs.iter().any(|(_, said)| said.rcode == row.ours.rcode);
    types.len() <= 1 && rcodes_agree && !row.ours.answer.is_empty()
}

/// The others stop at an alias that we follow into another zone of ours: their answer is the begin of ours.
fn is_alias_into_another_zone(row: &Row) -> bool {
    // RFC 4035 §3.1.4.1: the DS of a zone's apex is data of the zone above.
    let zone = |record: &Record| match record.rtype {
        Rtype::DS => zone_of(record.owner.get(1 + usize::from(record.owner[0])..).unwrap_or_default()),
        _ => zone_of(&record.owner),
    };
    let first = row.ours.answer.iter().find(|record| record.rtype == Rtype::CNAME).map(zone);
    let crosses = row.ours.answer.iter().chain(&row.ours.authority).any(|record| Some(zone(record)) != first);
    crosses && first.is_some() && row.theirs.iter().any(|(_, said)| said.answer.is_subset(&row.ours.answer))
}

/// Returns the apex that a generated name lies below: `zN.test.` or its child.
fn zone_of(owner: &[u8]) -> Vec<u8> {
    let labels: Vec<&[u8]> = name::labels(owner).collect();
    let child = labels.len() >= 3 && labels[labels.len() - 3] == b"kid";
    labels[labels.len().saturating_sub(if child { 3 } else { 2 })..].concat()
}

/// We prove one thing more: that the wildcard which would answer is an empty non-terminal.
fn proves_an_empty_wildcard(ours: &Said, theirs: &Said) -> bool {
    let extra: Vec<&Record> = ours.authority.difference(&theirs.authority).collect();
    let leads_below_a_wildcard = |record: &&Record| {
        record.rtype == Rtype::NSEC && name::labels(&record.rdata).skip(1).any(|label| label == b"*")
    };
    let same =
        ours.rcode == theirs.rcode && ours.answer == theirs.answer && theirs.authority.is_subset(&ours.authority);
    same && extra.len() == 2 && extra.iter().any(leads_below_a_wildcard)
}

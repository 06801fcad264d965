//! The lint: what is wrong in a zone, or works less well than its author thinks, with the fix.
//!
//! One walk gathers the zone's services and hosts ([`survey`]); then each chapter looks at them: owner names, targets,
//! addresses, ports, pairs of services, tiers, sizes, TTLs, the apex, delegations, NAPTR, texts, lost dots. Each rule is one row of [`RULES`], which also
//! makes the documentation.
//!
//! **Invariant:** it does not use the network: names outside of the zones are noted, but not checked. It is linear in
//! the zone's size.

mod address;
mod apex;
mod catalogue;
mod delegation;
mod dots;
mod naptr;
mod owner;
mod pairs;
mod ports;
mod rule;
mod size;
mod survey;
mod target;
mod text;
mod tiers;
mod tree;
mod ttl;

pub use rule::{RULES, Rule, find};
use survey::Survey;
use tree::Forest;

use super::parse::Places;
use super::{Name, Zone};
use crate::base::finding::Finding;

/// What the lint must know beside the zone.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Whether the zone is served as declared, so that its own TTLs reach the clients.
    pub r#static: bool,
    /// The longest TTL of a settled answer in seconds (`policy.ttl`); without meaning if `static`.
    pub ttl: u32,
    /// Whether private and loopback addresses are meant: a lab, or a zone for the inside.
    pub allow_private: bool,
    /// Whether the config says how the service with this owner name is tested.
    pub has_check: &'a dyn Fn(&Name) -> bool,
}

/// Returns all findings about a zone that stands alone, sorted by place; those without a place last.
pub fn check(zone: &Zone, places: &Places, options: &Options<'_>) -> Vec<Finding> {
    check_all(&[(zone, places)], options)
}

/// Returns all findings about zones of one server, zone by zone, sorted as [`check`] sorts them: a name in another of the
/// zones is judged by what that zone says of it.
pub fn check_all(zones: &[(&Zone, &Places)], options: &Options<'_>) -> Vec<Finding> {
    let forest = Forest::new(zones.iter().map(|(zone, _)| *zone));
    let mut all = Vec::new();
    for (tree, (_, places)) in forest.trees.iter().zip(zones) {
        let survey = Survey::new(tree, &forest, places, options);
        let mut findings = Vec::new();
        for chapter in CHAPTERS {
            chapter(&survey, &mut findings);
        }
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        all.append(&mut findings);
    }
    all
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { r#static: false, ttl: 30, allow_private: false, has_check: &|_| false }
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("static", &self.r#static).field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

fn order(finding: &Finding) -> (bool, &str, u32, u32, &str) {
    let place = finding.place.as_ref();
    (
        place.is_none(),
        place.map_or("", |place| &place.file),
        place.map_or(0, |place| place.line),
        place.map_or(0, |place| place.column),
        finding.id,
    )
}

/// Looks at one side of the zone and adds what it finds.
type Chapter = fn(&Survey<'_>, &mut Vec<Finding>);

const CHAPTERS: &[Chapter] = &[
    owner::check,
    target::check,
    address::check,
    ports::check,
    pairs::check,
    tiers::check,
    size::check,
    ttl::check,
    apex::check,
    delegation::check,
    naptr::check,
    text::check,
    dots::check,
];

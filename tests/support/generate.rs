//! Zones made by chance from a seed, with all the shapes that make answering hard; and what to ask of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use understudy::zone::{Name, Rtype};

/// Zones that belong together, and questions about them.
pub(crate) struct Case {
    /// Origin and master file of each: the zone, and sometimes one of its children.
    pub(crate) zones: Vec<(String, String)>,
    /// Names and types to ask.
    pub(crate) questions: Vec<(String, Rtype)>,
}

/// A small generator of numbers by chance (SplitMix64): the same seed makes the same zones on every machine.
pub(crate) struct Dice(pub(crate) u64);

/// A zone in the making.
struct Maker<'d> {
    dice: &'d mut Dice,
    origin: String,
    /// Another zone of the same server.
    neighbour: String,
    /// What each owner is; names in lower case.
    owners: BTreeMap<String, Kind>,
    lines: String,
    /// Names to ask that own nothing.
    extra: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Alias,
    Renamed,
    Cut,
}

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'t, T: ?Sized>(&mut self, list: &[&'t T]) -> &'t T {
        list[self.below(list.len())]
    }
}

/// Makes zones at `origin`, an absolute name; some of their names lead to `neighbour`, the origin of another zone.
/// `questions` is about how many to ask.
pub(crate) fn generate(seed: u64, origin: &str, neighbour: &str, questions: usize) -> Case {
    let mut dice = Dice(seed);
    let mut parent = Maker::new(&mut dice, origin, neighbour);
    let child = parent.dice.one_in(3).then(|| below("kid", origin));
    if let Some(child) = &child {
        parent.delegate(child);
    }
    parent.fill();
    let (mut names, mut zones) = (parent.names(), vec![(origin.to_owned(), parent.lines)]);
    if let Some(child) = child {
        let mut child = Maker::new(&mut dice, &child, neighbour);
        child.fill();
        names.extend(child.names());
        zones.push((child.origin, child.lines));
    }
    let questions = ask_about(&mut dice, &names, questions);
    Case { zones, questions }
}

/// Chooses questions about names: every name at least once, the types by chance.
fn ask_about(dice: &mut Dice, names: &[String], count: usize) -> Vec<(String, Rtype)> {
    let mut questions: Vec<(String, Rtype)> = Vec::new();
    for round in 0..(count / names.len().max(1)).max(1) {
        for name in names {
            let rtype = TYPES[dice.below(TYPES.len())];
            let asked = match (round, dice.below(5)) {
                (0, _) | (_, 0 | 1) => name.clone(),
                (_, 2) => below("x", name),
                (_, 3) => below("Y.x", name),
                _ => below("*", name),
            };
            questions.push((asked, rtype));
        }
    }
    questions.sort();
    questions.dedup();
    questions.retain(|(name, _)| name.parse::<Name>().is_ok());
    questions
}

impl<'d> Maker<'d> {
    fn new(dice: &'d mut Dice, origin: &str, neighbour: &str) -> Self {
        let (origin_owned, neighbour) = (origin.to_owned(), neighbour.to_owned());
        let mut maker = Self {
            dice,
            origin: origin_owned,
            neighbour,
            owners: BTreeMap::new(),
            lines: String::new(),
            extra: Vec::new(),
        };
        let (ttl, minimum) = (maker.dice.pick(&["60", "300", "3600"]), maker.dice.pick(&["30", "300", "7200"]));
        let server = below("ns", origin);
        let begin = format!(
            "{origin} {ttl} IN SOA {server} Host.Master.{} 7 3600 600 86400 {minimum}\n{origin} 300 IN NS {server}\n\
             {origin} 300 IN NS ns.elsewhere.invalid.\n{server} 300 IN A 192.0.2.53\n",
            origin.trim_start_matches('.'),
        );
        maker.lines.push_str(&begin);
        maker.owners.insert(origin.to_lowercase(), Kind::Plain);
        maker.owners.insert(server.to_lowercase(), Kind::Plain);
        maker
    }

    fn fill(&mut self) {
        for _ in 0..20 + self.dice.below(40) {
            match self.dice.below(40) {
                0 => self.chain(),
                1 => self.lengthen(),
                2..=5 => self.alias(),
                6 | 7 => self.rename(),
                8..=11 => {
                    let owner = self.owner(2);
                    self.delegate(&owner);
                }
                _ => self.plain(),
            }
        }
    }

    /// Returns all owners, their ancestors within the zone and names beside them, and some of other places.
    fn names(&mut self) -> Vec<String> {
        let mut names: Vec<String> = self.owners.keys().cloned().collect();
        names.append(&mut self.extra);
        for owner in self.owners.keys() {
            let mut rest = owner.as_str();
            while let Some((_, parent)) = rest.split_once('.') {
                if !parent.ends_with(&self.origin.to_lowercase()) || parent.is_empty() {
                    break;
                }
                names.push(parent.to_owned());
                rest = parent;
            }
        }
        for _ in 0..6 {
            names.push(self.owner(3));
        }
        names.push("elsewhere.invalid.".to_owned());
        names.sort();
        names.dedup();
        names
    }

    /// Makes a name of up to `depth` labels below the origin.
    fn owner(&mut self, depth: usize) -> String {
        let mut name = self.origin.clone();
        for _ in 0..1 + self.dice.below(depth) {
            let label = if self.dice.one_in(8) { "*" } else { self.dice.pick(LABELS) };
            name = below(label, &name);
        }
        name
    }

    /// Makes the name of a host: one that may exist, or not, or elsewhere.
    fn target(&mut self) -> String {
        let target = self.any_target();
        if target.parse::<Name>().is_ok() { target } else { below("long", &self.origin) }
    }

    fn any_target(&mut self) -> String {
        let known: Vec<String> = self.owners.keys().cloned().collect();
        match self.dice.below(24) {
            4 => below(self.dice.pick(&["ns", "www", "a", "missing"]), &self.neighbour.clone()),
            0 => "host.elsewhere.invalid.".to_owned(),
            1 => below("Missing", &self.origin),
            2 => self.owner(3),
            3 => below("deep", &known[self.dice.below(known.len())]),
            _ => known[self.dice.below(known.len())].clone(),
        }
    }

    fn kind(&self, owner: &str) -> Option<Kind> {
        self.owners.get(&owner.to_lowercase()).copied()
    }

    /// Returns whether `owner` lies below a name of some kind.
    fn is_below(&self, owner: &str, kind: Kind) -> bool {
        let lower = owner.to_lowercase();
        self.owners.iter().any(|(other, found)| *found == kind && lower.ends_with(&format!(".{other}")))
    }

    fn add(&mut self, owner: &str, kind: Kind, lines: &str) {
        self.owners.insert(owner.to_lowercase(), kind);
        self.lines.push_str(lines);
    }

    fn plain(&mut self) {
        let owner = if self.dice.one_in(8) { self.origin.clone() } else { self.owner(3) };
        let occluded = self.is_below(&owner, Kind::Cut) || self.kind(&owner) == Some(Kind::Cut);
        if self.is_below(&owner, Kind::Renamed) || !matches!(self.kind(&owner), None | Some(Kind::Plain)) {
            return;
        }
        let kind = if occluded { self.dice.below(4) } else { self.dice.below(17) };
        let mut lines = String::new();
        for _ in 0..1 + self.dice.below(3) {
            let (target, number) = (self.target(), self.dice.below(250));
            _ = match kind {
                0 | 1 | 4 => writeln!(lines, "{owner} 300 IN A 192.0.2.{number}"),
                2 | 5 => writeln!(lines, "{owner} 60 IN AAAA 2001:db8::{number:x}"),
                3 => writeln!(lines, "{owner} 3600 IN TXT \"text {number}\""),
                6 => writeln!(lines, "{owner} 300 IN MX {number} {target}"),
                7..=9 => writeln!(lines, "{owner} 30 IN SRV {} {number} 5060 {target}", number % 3 * 10),
                10 => writeln!(
                    lines,
                    "{owner} 60 IN NAPTR {number} 1 \"{}\" \"SIP+D2T\" \"\" {target}",
                    ["S", "a", ""][number % 3]
                ),
                11 => writeln!(lines, "{owner} 60 IN HTTPS {} {target}", 1 + number % 3),
                14 => writeln!(lines, "{owner} 60 IN SVCB 0 {target}"),
                15 => writeln!(lines, "{owner} 60 IN KX {number} {target}"),
                16 => writeln!(lines, "{owner} 60 IN PTR {target}"),
                12 => writeln!(lines, "{owner} 60 IN CAA 0 issue \"ca{number}.invalid\""),
                _ => writeln!(lines, "{owner} 60 IN TYPE65400 \\# 1 {number:02x}"),
            };
        }
        self.add(&owner, Kind::Plain, &lines);
    }

    fn alias(&mut self) {
        let owner = self.owner(3);
        if self.kind(&owner).is_none() && !self.is_below(&owner, Kind::Renamed) && !self.is_below(&owner, Kind::Cut) {
            let target = self.target();
            self.add(&owner, Kind::Alias, &format!("{owner} 300 IN CNAME {target}\n"));
        }
    }

    /// Adds aliases one behind the other, more than anybody needs, and a host at the end.
    fn chain(&mut self) {
        let length = 2 + self.dice.below(20);
        if self.kind(&below("chain0", &self.origin)).is_some() {
            return;
        }
        for number in 0..length {
            let (owner, next) = (below(&format!("chain{number}"), &self.origin), format!("chain{}", number + 1));
            let next = below(&next, &self.origin);
            self.add(&owner, Kind::Alias, &format!("{owner} 300 IN CNAME {next}\n"));
        }
        let end = below(&format!("chain{length}"), &self.origin);
        self.add(&end, Kind::Plain, &format!("{end} 300 IN A 192.0.2.1\n"));
    }

    /// Adds a name of 253 octets (with `*.` before it the longest; signers need that), and a DNAME to a name of 200, so that some names below it grow too long.
    fn lengthen(&mut self) {
        let long = |octets: usize, origin: &str| {
            let mut name = origin.to_owned();
            while octets > name.len() + 2 {
                name = below(&"l".repeat((octets - name.len() - 2).min(63)), &name);
            }
            name
        };
        let (longest, target) = (long(253, &self.origin), long(200, &self.origin));
        let (dname, below_it) = (below("grow", &self.origin), "g".repeat(50));
        if self.kind(&dname).is_some() {
            return;
        }
        self.add(&longest, Kind::Plain, &format!("{longest} 300 IN A 192.0.2.1\n"));
        self.add(&dname, Kind::Renamed, &format!("{dname} 300 IN DNAME {target}\n"));
        // To be asked only: nothing may stand below a DNAME.
        self.extra.push(below(&below_it, &dname));
        self.extra.push(below(&below_it, &below(&below_it, &dname)));
    }

    /// Adds a DNAME where nothing lies below; not at a wildcard, where it means nothing (RFC 6672 §3.3).
    fn rename(&mut self) {
        let owner = self.owner(2);
        let below_it = format!(".{}", owner.to_lowercase());
        let free = !self.owners.keys().any(|other| other.ends_with(&below_it) || *other == owner.to_lowercase());
        let fits = !self.is_below(&owner, Kind::Renamed) && !self.is_below(&owner, Kind::Cut);
        if free && fits && !owner.contains('*') {
            let target = self.target();
            self.add(&owner, Kind::Renamed, &format!("{owner} 300 IN DNAME {target}\n"));
        }
    }

    /// Adds a cut with glue, sometimes signed below; not at a wildcard, where it means nothing (RFC 4592 §4.2).
    fn delegate(&mut self, cut: &str) {
        if self.kind(cut).is_some() || self.is_below(cut, Kind::Renamed) || cut.contains('*') {
            return;
        }
        let mut lines = String::new();
        for number in 0..1 + self.dice.below(3) {
            let server = match self.dice.below(6) {
                0 => "ns.elsewhere.invalid.".to_owned(),
                1 => self.target(),
                _ => below(&format!("ns{number}"), cut),
            };
            _ = writeln!(lines, "{cut} 300 IN NS {server}");
            let glue = below(&format!("ns{number}"), cut);
            if server == glue && !self.dice.one_in(6) && self.kind(&glue).is_none() {
                _ = writeln!(lines, "{server} 300 IN A 192.0.2.{number}");
                self.owners.insert(server.to_lowercase(), Kind::Plain);
            }
        }
        if self.dice.one_in(3) {
            let digest = "ab".repeat(32);
            _ = writeln!(lines, "{cut} 300 IN DS 12345 13 2 {digest}");
        }
        self.add(cut, Kind::Cut, &lines);
    }
}

fn below(label: &str, name: &str) -> String {
    if name == "." { format!("{label}.") } else { format!("{label}.{name}") }
}

const LABELS: &[&str] = &[
    "a",
    "b",
    "c",
    "www",
    "_sip",
    "_tcp",
    "Mail",
    "ns",
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
];

const TYPES: &[Rtype] = &[
    Rtype::A,
    Rtype::A,
    Rtype::AAAA,
    Rtype::TXT,
    Rtype::MX,
    Rtype::SRV,
    Rtype::SRV,
    Rtype::NS,
    Rtype::SOA,
    Rtype::CNAME,
    Rtype::DNAME,
    Rtype::DS,
    Rtype::NAPTR,
    Rtype::HTTPS,
    Rtype::ANY,
    Rtype::PTR,
    Rtype::KX,
    Rtype::SVCB,
    Rtype::NSEC,
    Rtype::DNSKEY,
    Rtype(65400),
];

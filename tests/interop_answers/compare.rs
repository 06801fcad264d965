//! Four answers to one question, and whether ours is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use understudy::serve::Transport;
use understudy::zone::parse::{Origin, Sources, load};
use understudy::zone::{Name, Rtype, Zone, name};

use crate::client::{Client, query};
use crate::foreign::{Files, Foreign, Scratch};
use crate::message::{Record, Said};
use crate::support::{Server, client};

/// A question, what we say and what the others say.
pub(crate) struct Row {
    pub(crate) question: (String, Rtype),
    pub(crate) ours: Said,
    pub(crate) theirs: Vec<(&'static str, Said)>,
}

/// Serves the zones of these files here, without sockets.
pub(crate) fn our_server(files: &Files) -> Server {
    Server::of(files.iter().map(|(_, file)| read(file)).collect())
}

fn read(file: &std::path::Path) -> Zone {
    let parsed = load(&file.display().to_string(), &std::fs::read(file).unwrap(), Origin::Unknown, &mut Nothing);
    parsed.zone.unwrap_or_else(|| panic!("{}: {:?}", file.display(), parsed.findings))
}

/// Zones made here include nothing.
struct Nothing;

impl Sources for Nothing {
    fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        Err(path.to_owned())
    }
}

/// Asks all servers all questions.
pub(crate) fn ask_all(ours: &Server, others: &[Foreign], questions: Vec<(String, Rtype)>, dnssec_ok: bool) -> Vec<Row> {
    let packets: Vec<Vec<u8>> = questions.iter().map(|(name, rtype)| query(name, *rtype, dnssec_ok)).collect();
    let mut said: Vec<Vec<(&'static str, Said)>> = questions.iter().map(|_| Vec::new()).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            others.iter().map(|other| scope.spawn(|| Client::new(other.address).ask(&packets))).collect();
        for (other, thread) in others.iter().zip(threads) {
            let answers = thread.join().unwrap().unwrap_or_else(|error| panic!("{}: {error}", other.name));
            for (row, answer) in said.iter_mut().zip(answers) {
                let read = Said::read(&answer).unwrap_or_else(|| panic!("{}: {answer:02x?}", other.name));
                row.push((other.name, read));
            }
        }
    });
    let mut octets = Vec::new();
    let rows = questions.into_iter().zip(packets).zip(said);
    rows.map(|((question, packet), theirs)| {
        assert!(ours.responder.respond(&packet, client(Transport::Tcp), &mut octets).is_some(), "{question:?}");
        Row { question, ours: Said::read(&octets).unwrap(), theirs }
    })
    .collect()
}

/// Judges rows: those that differ from two that agree, by the reason that `excuse` finds in `docs/conformance.md`.
pub(crate) fn judge(rows: &[Row], files: &Files, excuse: Excuse, excuse_additional: Excuse) -> Verdict {
    let mut verdict = Verdict::default();
    let wire = |origin: &str| origin.parse::<Name>().unwrap().to_lower().wire().to_vec();
    let apexes = files.iter().map(|(origin, _)| wire(origin)).collect();
    for row in rows {
        verdict.asked += 1;
        match judge_row(row, &apexes) {
            Agreement::Same => {
                verdict.same += 1;
                match judge_additional(row, &apexes) {
                    Agreement::Same => verdict.helped += 1,
                    Agreement::None => verdict.help_split += 1,
                    Agreement::Against => match excuse_additional(row) {
                        Some(reason) => *verdict.excused.entry(reason).or_default() += 1,
                        None => verdict.wrong.push(format!("ADDITIONAL {}", row.print())),
                    },
                }
            }
            Agreement::None => {
                verdict.split += 1;
            }
            Agreement::Against => match excuse(row) {
                Some(reason) => *verdict.excused.entry(reason).or_default() += 1,
                None => verdict.wrong.push(row.print()),
            },
        }
    }
    verdict
}

/// Where differences are told.
pub(crate) const PAGE: &str = include_str!("../../docs/conformance.md");

/// Finds the row of `docs/conformance.md` that says why an answer differs.
pub(crate) type Excuse = fn(&Row) -> Option<&'static str>;

/// How many rows came out how.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) asked: usize,
    pub(crate) same: usize,
    /// No two others agreed.
    pub(crate) split: usize,
    /// Of the same ones, those whose additional records are the same too.
    pub(crate) helped: usize,
    /// Those on whose additional records no two others agreed.
    pub(crate) help_split: usize,
    pub(crate) excused: BTreeMap<&'static str, usize>,
    pub(crate) wrong: Vec<String>,
}

impl Verdict {
    /// Tells the figures; fails if anything is wrong, and then leaves the files where they are.
    pub(crate) fn check(&self, scratch: &Scratch) {
        println!("{self}");
        let first: Vec<&str> = self.wrong.iter().take(20).map(String::as_str).collect();
        for row in self.excused.keys() {
            assert!(PAGE.contains(&format!("\n| {row} |")), "docs/conformance.md has no row {row}");
        }
        assert!(self.wrong.is_empty(), "{self}; see {}\n{}", scratch.path().display(), first.join("\n"));
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (wrong, excused) = (self.wrong.len(), &self.excused);
        write!(f, "{} asked, {} as the majority or without one as one, ", self.asked, self.same)?;
        write!(
            f,
            "{} as nobody where no two agree, additional {} so and {} so, excused {excused:?}, {wrong} wrong",
            self.split, self.helped, self.help_split
        )
    }
}

enum Agreement {
    /// We say what a majority says.
    Same,
    /// There is no majority.
    None,
    /// A majority says something else.
    Against,
}

fn judge_row(row: &Row, apexes: &BTreeSet<Vec<u8>>) -> Agreement {
    let all: Vec<&Said> = row.theirs.iter().map(|(_, said)| said).collect();
    vote(&row.ours, &all, |said| essence(said, row.question.1, apexes))
}

/// Judges the additional records of the hosts that the answer itself names, among those who give that answer.
fn judge_additional(row: &Row, apexes: &BTreeSet<Vec<u8>>) -> Agreement {
    let ours = essence(&row.ours, row.question.1, apexes);
    let named: BTreeSet<Vec<u8>> = ours.answer.iter().chain(&ours.authority).filter_map(Record::host).collect();
    let same = |said: &&Said| essence(said, row.question.1, apexes) == ours;
    let all: Vec<&Said> = row.theirs.iter().map(|(_, said)| said).filter(same).collect();
    let of_named = |said: &Said| -> Vec<Record> {
        said.additional.iter().filter(|record| named.contains(&record.owner)).cloned().collect()
    };
    if all.len() < 2 { Agreement::None } else { vote(&row.ours, &all, of_named) }
}

fn vote<T: PartialEq>(ours: &Said, others: &[&Said], view: impl Fn(&Said) -> T) -> Agreement {
    let ours = view(ours);
    let theirs: Vec<T> = others.iter().map(|said| view(said)).collect();
    let two_agree = |view: &&T| theirs.iter().filter(|other| other == view).count() >= 2;
    match theirs.iter().find(two_agree) {
        Some(said) if *said == ours => Agreement::Same,
        Some(_) => Agreement::Against,
        None if theirs.contains(&ours) => Agreement::Same,
        None => Agreement::None,
    }
}

/// Leaves out what servers may add to taste: the zone's own NS set beside a positive answer, and all additional records,
/// which `additional` judges.
fn essence(said: &Said, asked: Rtype, apexes: &BTreeSet<Vec<u8>>) -> Said {
    let mut essence = said.clone();
    essence.additional.clear();
    let is_above = |dname: &Record| {
        let mut aliases = essence.answer.iter().filter(|record| record.rtype == Rtype::CNAME);
        aliases.any(|alias| alias.owner != dname.owner && name::suffix(&alias.owner, &dname.owner).is_some())
    };
    let renamed = asked == Rtype::DNAME && essence.answer.iter().any(|r| r.rtype == Rtype::DNAME && is_above(r));
    let positive = essence.answer.iter().any(|record| record.rtype == asked || asked == Rtype::ANY) && !renamed;
    if essence.authoritative && positive {
        let is_of_ns = |rdata: &[u8]| rdata.starts_with(&Rtype::NS.0.to_be_bytes());
        essence.authority.retain(|record| {
            let of_ns = record.rtype == Rtype::NS || record.rtype == Rtype::RRSIG && is_of_ns(&record.rdata);
            !(of_ns && apexes.contains(&record.owner))
        });
    }
    essence
}

impl Row {
    pub(crate) fn print(&self) -> String {
        let mut text = format!("{} {}\n    ours: {:?}\n", self.question.0, self.question.1, self.ours);
        for (name, said) in &self.theirs {
            _ = writeln!(text, "    {name}: {said:?}");
        }
        text
    }
}

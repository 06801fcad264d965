//! What `replay` prints.

use std::time::Duration;

use serde_json::{Value, json};

use crate::base::clock::UnixTime;
use crate::base::duration::write_short;
use crate::cli::line::Line;
use crate::cli::paint::Tone;
use crate::cli::words::{self, counted};
use crate::engine::setup::Setup;

use super::compare::{Comparison, Row};
use super::play::Played;
use super::tape::Decided;
use super::timeline::Sums;

/// All that is printed.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) setup: &'a Setup,
    pub(super) played: &'a Played,
    pub(super) services: &'a [Comparison],
    /// Where the history is.
    pub(super) source: String,
    pub(super) runs: usize,
    pub(super) from: UnixTime,
    pub(super) to: UnixTime,
    /// What the history lacks, as it says itself.
    pub(super) lost: u64,
    /// Lines that could not be read.
    pub(super) unreadable: u64,
}

impl Page<'_> {
    /// For people: differences first, then a line for each service that would have been served the same.
    pub(super) fn as_text(&self) -> Vec<Line> {
        let mut page = self.head();
        let (changed, same): (Vec<_>, Vec<_>) = self.services.iter().partition(|service| service.differs());
        for service in changed {
            page.push(Line::default());
            page.extend(tell(service));
        }
        if !same.is_empty() {
            page.push(Line::default());
            page.push(Line::of(
                Tone::Dim,
                format!("{} would have been served the same:", counted(same.len(), "service")),
            ));
            let width = same.iter().map(|service| words::service(&service.service).len()).max().unwrap_or(0);
            for service in same {
                let name = Line::default().plain("  ").plain(words::service(&service.service));
                let decisions = counted(service.rows.len(), "decision");
                let sums = format!("{decisions}, {}", sums_in_words(&service.replayed));
                page.push(name.to(width + 4).plain(sums).join(unknown_mark(service)));
            }
        }
        page
    }

    fn head(&self) -> Vec<Line> {
        let span = format!("{} to {} ({})", self.from, self.to, write_short(self.to.since(self.from)));
        let amount = format!(
            "{} of the server, {} judged anew",
            counted(self.runs, "run"),
            counted(usize::try_from(self.played.outcomes).unwrap_or(usize::MAX), "outcome")
        );
        let mut head = vec![Line::of(Tone::Dim, format!("{}: {span}, {amount}", self.source))];
        let mut warn = |text: String| head.push(Line::of(Tone::Soso, text));
        let names = self.unknown();
        if !names.is_empty() {
            let text = "the history tells nothing of them, so they are neither up nor down here";
            warn(format!("{}: {text}: {}", counted(names.len(), "target"), few(&names)));
        }
        let names = self.alike();
        if !names.is_empty() {
            let text = "judged by the outcomes of another check of the same kind at the same place";
            warn(format!("{}: {text}: {}", counted(names.len(), "target"), few(&names)));
        }
        let names: Vec<String> = self.played.strange.iter().cloned().collect();
        if !names.is_empty() {
            let text = "in the history, and not tested by this config";
            warn(format!("{}: {text}: {}", counted(names.len(), "target"), few(&names)));
        }
        self.played.refused.iter().for_each(|refused| warn(format!("not taken: {refused}")));
        if self.lost + self.unreadable > 0 {
            warn(format!("the history lacks {} lines, and {} cannot be read", self.lost, self.unreadable));
        }
        head
    }

    fn unknown(&self) -> Vec<String> {
        self.played.unknown.iter().map(|id| self.setup.targets[*id].key.to_string()).collect()
    }

    fn alike(&self) -> Vec<String> {
        self.played.alike.iter().map(|id| self.setup.targets[*id].key.to_string()).collect()
    }

    /// For programs.
    pub(super) fn as_json(&self) -> Value {
        let services: Vec<Value> = self.services.iter().map(service_as_json).collect();
        json!({
            "history": self.source, "from_ms": self.from.as_millis(), "to_ms": self.to.as_millis(), "runs": self.runs,
            "outcomes": self.played.outcomes, "differs": self.services.iter().any(Comparison::differs),
            "unknown_targets": self.unknown(), "alike_targets": self.alike(), "strange_targets": self.played.strange,
            "refused": self.played.refused, "lost": self.lost, "unreadable": self.unreadable, "services": services,
        })
    }
}

fn tell(service: &Comparison) -> Vec<Line> {
    let (differing, same): (Vec<&Row>, Vec<&Row>) = service.rows.iter().partition(|row| row.differs());
    let mut head = Line::of(Tone::Bold, words::service(&service.service));
    head = head.plain(format!("  {} of {} differ", differing.len(), counted(service.rows.len(), "decision")));
    if !service.is_configured {
        head = head.put(Tone::Soso, "  (not in this config)");
    }
    let mut page = vec![head.join(unknown_mark(service))];
    for row in &differing {
        let (side, tone, decided) = match (&row.recorded, &row.replayed) {
            (Some((_, decided)), _) => ("happened        ", Tone::Plain, decided),
            (None, Some((_, decided))) => ("would have been ", Tone::Bold, decided),
            (None, None) => continue,
        };
        let line = Line::default().plain("  ").put(Tone::Dim, precise(row.at())).plain("  ").put(tone, side);
        page.push(line.plain(&decided.reason));
    }
    if !same.is_empty() {
        page.push(Line::of(Tone::Dim, format!("  {} the same", counted(same.len(), "decision"))));
    }
    page.push(Line::of(Tone::Dim, "                 happened     would have been"));
    let (was, would) = (&service.recorded, &service.replayed);
    let time = |length: Duration| if length.is_zero() { "0s".to_owned() } else { write_short(length) };
    for (name, was, would) in [
        ("failovers", was.failovers.to_string(), would.failovers.to_string()),
        ("failbacks", was.failbacks.to_string(), would.failbacks.to_string()),
        ("on standby", time(was.standby), time(would.standby)),
        ("at last resort", time(was.last_resort), time(would.last_resort)),
        ("all down", time(was.all_down), time(would.all_down)),
    ] {
        let tone = if was == would { Tone::Dim } else { Tone::Plain };
        page.push(Line::of(tone, format!("  {name:<14} {was:<12} {would}")));
    }
    page
}

/// Returns a moment with its milliseconds.
fn precise(at: UnixTime) -> String {
    let whole = at.to_string();
    format!("{}.{:03}Z", whole.trim_end_matches('Z'), at.as_millis() % 1_000)
}

fn unknown_mark(service: &Comparison) -> Line {
    match service.unknown.len() {
        0 => Line::default(),
        count => Line::of(Tone::Soso, format!("  ({} unknown to the history)", counted(count, "target"))),
    }
}

fn sums_in_words(sums: &Sums) -> String {
    let mut words = vec![counted(sums.failovers, "failover")];
    for (name, length) in
        [("on standby", sums.standby), ("at last resort", sums.last_resort), ("with all down", sums.all_down)]
    {
        if !length.is_zero() {
            words.push(format!("{} {name}", write_short(length)));
        }
    }
    words.join(", ")
}

fn service_as_json(service: &Comparison) -> Value {
    let decided = |side: &Option<(UnixTime, Decided)>| {
        side.as_ref().map(|(at, decided)| {
            json!({
                "at_ms": at.as_millis(), "served": decided.served, "tier": decided.tier, "reason": decided.reason,
            })
        })
    };
    let rows = service.rows.iter().map(|row| {
        json!({ "differs": row.differs(), "happened": decided(&row.recorded), "would_have": decided(&row.replayed) })
    });
    let sums = |sums: &Sums| {
        json!({
            "failovers": sums.failovers, "failbacks": sums.failbacks, "standby_secs": sums.standby.as_secs_f64(),
            "last_resort_secs": sums.last_resort.as_secs_f64(), "all_down_secs": sums.all_down.as_secs_f64(),
            "known_secs": sums.known.as_secs_f64(),
        })
    };
    json!({
        "service": service.service, "configured": service.is_configured, "differs": service.differs(),
        "unknown_targets": service.unknown, "decisions": rows.collect::<Vec<_>>(),
        "happened": sums(&service.recorded), "would_have": sums(&service.replayed),
    })
}

/// Names the first few.
fn few(names: &[String]) -> String {
    let more = names.len().saturating_sub(FEW);
    let some = names.iter().take(FEW).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { some } else { format!("{some} and {more} more") }
}

/// How many names are told as examples.
const FEW: usize = 4;

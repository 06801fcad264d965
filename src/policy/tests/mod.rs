//! Every table and sentence of the rules from verdicts to answers, in a short script: see [`Stage`].

mod failback;
mod invariants;
mod placing;
mod reasons;
mod serving;
mod ttl;

use std::time::Duration;

use super::*;
use crate::base::clock::{Now, UnixTime};
use crate::health::{By, Verdict};

/// A pool, its memory and the time, played by short texts.
///
/// Members are written `priority:weight`, the halves of a pair with `|` between. Verdicts are a letter for each member:
/// `u` up, `?` unknown, `g` degraded, `d` down silently, `D` down conclusively, `l` leaving, `f` forced down, `r` drained.
/// An answer reads `a10 b20 | c10`: member (by place), priority.
pub(super) struct Stage {
    pub(super) pool: Pool,
    pub(super) memory: PoolState,
    pub(super) now: Now,
    pub(super) last: Option<Answer>,
}

impl Stage {
    pub(super) fn service(members: &str) -> Self {
        Self::of(if members.contains('|') { Kind::Pair } else { Kind::Service }, members)
    }

    pub(super) fn addresses(members: &str) -> Self {
        Self::of(Kind::Addresses, members)
    }

    pub(super) fn of(kind: Kind, text: &str) -> Self {
        let mut members = Vec::new();
        for (half, part) in (0u8..).zip(text.split('|')) {
            for member in part.split_whitespace() {
                let (priority, weight) = member.split_once(':').unwrap_or((member, "1"));
                members.push(Member { half, priority: priority.parse().unwrap(), weight: weight.parse().unwrap() });
            }
        }
        let pool = Pool { kind, members, settings: Settings::default() };
        // 2026-11-21T00:00:00Z
        let now = Now { mono: Mono::START, wall: UnixTime::from_secs(1_795_219_200) };
        Self { pool, memory: PoolState::default(), now, last: None }
    }

    pub(super) fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.pool.settings);
        self
    }

    pub(super) fn wait(&mut self, secs: u64) -> &mut Self {
        self.now = self.now.after(Duration::from_secs(secs));
        self
    }

    pub(super) fn ask(&mut self, verdicts: &str, trigger: Trigger, failback_ordered: bool) -> Answer {
        let verdicts = verdicts_of(verdicts);
        let Self { pool, memory, now, .. } = &*self;
        let answer = decide(&Ask { pool, verdicts: &verdicts, memory, trigger, failback_ordered, now: *now });
        self.memory = answer.memory.clone();
        self.last = Some(answer.clone());
        answer
    }

    /// Asks since a target changed, and reads the answer.
    pub(super) fn see(&mut self, verdicts: &str) -> String {
        read(&self.ask(verdicts, Trigger::Health, false).decision)
    }

    /// Asks by `trigger`, and returns who serves.
    pub(super) fn served(&mut self, verdicts: &str, trigger: Trigger) -> ActiveTier {
        self.ask(verdicts, trigger, false).decision.served
    }

    /// Asks since a target changed, and returns the serving tier.
    pub(super) fn tier(&mut self, verdicts: &str) -> ActiveTier {
        self.served(verdicts, Trigger::Health)
    }

    pub(super) fn answer(&self) -> &Answer {
        self.last.as_ref().unwrap()
    }
}

pub(super) fn verdicts_of(text: &str) -> Vec<Verdict> {
    let withhold = |by, leaving, conclusive| Verdict::Withhold { by, leaving, conclusive };
    let verdict = |letter| match letter {
        'u' => Verdict::Serve { degraded: false, proven: true, tested: true },
        '?' => Verdict::Serve { degraded: false, proven: false, tested: false },
        'g' => Verdict::Serve { degraded: true, proven: true, tested: true },
        'd' => withhold(By::Health, false, false),
        'D' => withhold(By::Health, false, true),
        'l' => withhold(By::Health, true, false),
        'f' => withhold(By::Order, false, true),
        'r' => withhold(By::Order, true, true),
        other => panic!("no verdict {other}"),
    };
    text.chars().filter(|c| !c.is_whitespace()).map(verdict).collect()
}

pub(super) fn read(decision: &Decision) -> String {
    if decision.closed {
        return "closed".to_owned();
    }
    let letter = |i: usize| char::from(b'a' + u8::try_from(i).unwrap());
    let half = |half: &Vec<Listed>| {
        let each: Vec<String> = half.iter().map(|l| format!("{}{}", letter(l.member), l.priority)).collect();
        each.join(" ")
    };
    let text = decision.listed.iter().map(half).collect::<Vec<_>>().join(" | ");
    // A name may have addresses of one family only.
    text.trim_end_matches(" | ").to_owned()
}

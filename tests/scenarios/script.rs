//! Reads a story; the format is told on the front page.

use std::time::Duration;

/// One story.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// The zones.
    pub(crate) zones: Vec<ZoneFile>,
    /// The config, but for the zones.
    pub(crate) config: String,
    /// What happens.
    pub(crate) steps: Vec<Line>,
}

/// A zone of a story.
#[derive(Debug, PartialEq)]
pub(crate) struct ZoneFile {
    /// The file's name.
    pub(crate) file: String,
    /// Records added to it.
    pub(crate) added: Vec<String>,
}

/// A step, where it stands, and what it must lead to.
#[derive(Debug)]
pub(crate) struct Line {
    /// Its line, counted from 1.
    pub(crate) number: usize,
    /// The step.
    pub(crate) step: Step,
    /// The lines behind it that begin with `=`.
    pub(crate) expected: Vec<String>,
}

/// What happens.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// From now on every probe of `what` ends so.
    Probes { what: String, end: End },
    /// A connection that was held to `what` breaks.
    Break { what: String },
    /// An order for `what`.
    Order { order: Order, what: String, terms: Terms },
    /// All orders for `what` end.
    Clear { what: String },
    /// The order `failback`.
    Failback { owner: String },
    /// A new config.
    Reload { config: String },
    /// A record comes or goes with the next reload.
    Zone { record: String, comes: bool },
    /// The process ends, in order or not, and starts again so much later.
    Restart { killed: bool, after: Duration },
    /// Time passes.
    Wait(Duration),
    /// The wall clock is set ahead.
    Clock(Duration),
    /// A question.
    Ask { name: String, rtype: String },
    /// A question for the reason.
    Why { name: String, rtype: String },
    /// A question for the health of targets.
    State { what: String },
    /// A question whether the checker is isolated.
    Isolated,
}

/// When an order begins and ends, and whether it may take the last eligible member.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Terms {
    /// How long until it begins.
    pub(crate) begins: Duration,
    /// How long it lasts.
    pub(crate) lasts: Option<Duration>,
    /// `last`
    pub(crate) last: bool,
}

/// How probes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Pass,
    Silent,
    Refused,
    Full,
    Leaving,
    Blind,
}

/// What an operator can say of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Up,
    Down,
    Drain,
}

impl Script {
    /// Reads a story; the error begins with the number of its line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self::default();
        let mut lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty());
        while let Some((line, number)) = lines.next() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let wrong = |what: &str| format!("{number}: {what}: {line}");
            let mut block =
                || lines.by_ref().map(|(l, _)| l).take_while(|l| *l != "end").collect::<Vec<_>>().join("\n");
            match *words.as_slice() {
                ["#", ..] => {}
                ["=", ref rest @ ..] => {
                    let step = script.steps.last_mut().ok_or_else(|| wrong("no step before"))?;
                    step.expected.push(rest.join(" "));
                }
                ["zone", file] if script.steps.is_empty() => {
                    script.zones.push(ZoneFile { file: file.to_owned(), added: Vec::new() });
                }
                ["zone-add", ref rest @ ..] if script.steps.is_empty() => {
                    let zone = script.zones.last_mut().ok_or_else(|| wrong("no zone before"))?;
                    zone.added.push(rest.join(" "));
                }
                ["config"] if script.steps.is_empty() => script.config = block(),
                ["reload"] => {
                    let step = Step::Reload { config: block() };
                    script.steps.push(Line { number, step, expected: Vec::new() });
                }
                ref words => {
                    let step = step(words).ok_or_else(|| wrong("no step"))?;
                    script.steps.push(Line { number, step, expected: Vec::new() });
                }
            }
        }
        script.check()?;
        Ok(script)
    }

    fn check(&self) -> Result<(), String> {
        for Line { number, step, expected } in &self.steps {
            let right = match step {
                Step::Ask { .. } => !expected.is_empty(),
                Step::Why { .. } | Step::State { .. } | Step::Isolated => expected.len() == 1,
                Step::Order { .. } => expected.is_empty() || expected == &["refused"],
                Step::Probes { .. }
                | Step::Break { .. }
                | Step::Clear { .. }
                | Step::Failback { .. }
                | Step::Reload { .. } => expected.is_empty(),
                Step::Zone { .. } | Step::Restart { .. } | Step::Wait(_) | Step::Clock(_) => expected.is_empty(),
            };
            if !right {
                return Err(format!("{number}: wrong lines behind this step"));
            }
        }
        Ok(())
    }
}

fn step(words: &[&str]) -> Option<Step> {
    let probes = |what: &str, end| Some(Step::Probes { what: what.to_owned(), end });
    match *words {
        ["pass", what] => probes(what, End::Pass),
        ["fail", what, "silent"] => probes(what, End::Silent),
        ["fail", what, "refused"] => probes(what, End::Refused),
        ["full", what] => probes(what, End::Full),
        ["leave", what] => probes(what, End::Leaving),
        ["blind", what] => probes(what, End::Blind),
        ["break", what] => Some(Step::Break { what: what.to_owned() }),
        ["force", "up", what, ref rest @ ..] => order(Order::Up, what, rest),
        ["force", "down", what, ref rest @ ..] => order(Order::Down, what, rest),
        ["drain", what, ref rest @ ..] => order(Order::Drain, what, rest),
        ["clear", what] => Some(Step::Clear { what: what.to_owned() }),
        ["failback", owner] => Some(Step::Failback { owner: owner.to_owned() }),
        ["zone-add", ref rest @ ..] => Some(Step::Zone { record: rest.join(" "), comes: true }),
        ["zone-drop", ref rest @ ..] => Some(Step::Zone { record: rest.join(" "), comes: false }),
        ["restart"] => Some(Step::Restart { killed: false, after: Duration::ZERO }),
        ["restart", "after", span] => Some(Step::Restart { killed: false, after: duration(span)? }),
        ["kill"] => Some(Step::Restart { killed: true, after: Duration::ZERO }),
        ["kill", "after", span] => Some(Step::Restart { killed: true, after: duration(span)? }),
        ["wait", span] => Some(Step::Wait(duration(span)?)),
        ["clock", span] => Some(Step::Clock(duration(span)?)),
        ["ask", name, rtype] => Some(Step::Ask { name: name.to_owned(), rtype: rtype.to_owned() }),
        ["why", name, rtype] => Some(Step::Why { name: name.to_owned(), rtype: rtype.to_owned() }),
        ["state", what] => Some(Step::State { what: what.to_owned() }),
        ["isolated"] => Some(Step::Isolated),
        _ => None,
    }
}

fn order(order: Order, what: &str, mut rest: &[&str]) -> Option<Step> {
    let mut terms = Terms::default();
    while !rest.is_empty() {
        rest = match *rest {
            ["in", span, ref rest @ ..] => {
                terms.begins = duration(span)?;
                rest
            }
            ["for", span, ref rest @ ..] => {
                terms.lasts = Some(duration(span)?);
                rest
            }
            ["last"] => {
                terms.last = true;
                &[]
            }
            _ => return None,
        };
    }
    Some(Step::Order { order, what: what.to_owned(), terms })
}

/// Reads `250ms`, `45s`, `57m45s`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit)?;
        let number: u64 = number.parse().ok()?;
        sum += match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number * 60),
            "h" => Duration::from_secs(number * 3_600),
            _ => return None,
        };
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

#[test]
fn reads_durations() {
    let millis = |text| duration(text).map(|d| d.as_millis());
    assert_eq!(
        ["250ms", "45s", "57m45s", "1h"].map(millis),
        [Some(250), Some(45_000), Some(3_465_000), Some(3_600_000)]
    );
    assert_eq!(["", "5", "s", "5y"].map(millis), [None; 4]);
}

#[test]
fn refuses_what_is_no_step() {
    for (text, error) in [
        ("wait soon", "1: no step: wait soon"),
        ("drain a soon", "1: no step: drain a soon"),
        ("= 5 10 0 5060 a.", "1: no step before: = 5 10 0 5060 a."),
        ("restart\nzone a.zone", "2: no step: zone a.zone"),
        ("ask a A", "1: wrong lines behind this step"),
        ("restart\n= refused", "1: wrong lines behind this step"),
    ] {
        assert_eq!(Script::parse(text).unwrap_err(), error);
    }
}

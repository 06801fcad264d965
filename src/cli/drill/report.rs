//! What a drill did and saw, for people and for programs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::view::OutcomeView;
use crate::base::clock::{Clock, Now};
use crate::base::duration::write_short;
use crate::base::terminal::sanitize;
use crate::cli::{input, words};

use super::plan::Plan;

/// The report, while it is written.
#[derive(Debug)]
pub(super) struct Report {
    plan: Plan,
    lasts: Duration,
    clock: Clock,
    begun: Now,
    /// Whether each step is printed as it is done.
    tells: bool,
    /// What was done, and when after the begin.
    steps: Vec<(Duration, String)>,
    doubts: Vec<String>,
    /// The services that the drains concern.
    services: Vec<String>,
    /// How often the standby was found well.
    looks: u64,
    /// The longest that a probe of the standby took, in milliseconds.
    slowest_ms: f64,
}

impl Report {
    pub(super) fn begin(plan: &Plan, lasts: Duration, clock: Clock, tells: bool) -> Self {
        Self {
            plan: plan.clone(),
            lasts,
            clock,
            begun: clock.now(),
            tells,
            steps: Vec::new(),
            doubts: Vec::new(),
            services: Vec::new(),
            looks: 0,
            slowest_ms: 0.0,
        }
    }

    /// Notes something that was done.
    pub(super) fn step(&mut self, text: String) {
        let after = self.clock.now().mono.since(self.begun.mono);
        if self.tells {
            input::print(&format!("{}\n", line(after, &text)));
        }
        self.steps.push((after, text));
    }

    /// Notes why it has not passed.
    pub(super) fn doubt(&mut self, doubt: String) {
        self.step(format!("DOUBT: {doubt}"));
        self.doubts.push(doubt);
    }

    /// Notes services that a drain concerns.
    pub(super) fn concerns(&mut self, services: &[String]) {
        for service in services {
            if !self.services.contains(service) {
                self.services.push(service.clone());
            }
        }
    }

    /// Notes that the standby was found well, by these outcomes.
    pub(super) fn look<'o>(&mut self, outcomes: impl Iterator<Item = &'o OutcomeView>) {
        self.looks += 1;
        self.slowest_ms = outcomes.map(|outcome| outcome.latency_ms).fold(self.slowest_ms, f64::max);
    }

    /// Returns whether all went as it should.
    pub(super) const fn passed(&self) -> bool {
        self.doubts.is_empty()
    }

    /// Returns it as a page of text.
    pub(super) fn as_text(&self) -> String {
        let plan = &self.plan;
        let services: Vec<String> = self.services.iter().map(|service| words::service(service)).collect();
        let mut text = format!("# Drill of {}, {}\n\n", plan.name(), self.begun.wall);
        text += &format!("Result: {}\n\n", if self.passed() { "passed" } else { "NOT PASSED, rolled back" });
        for doubt in &self.doubts {
            text += &format!("- {}\n", sanitize(doubt));
        }
        text += &format!("- drained: {} (tier {})\n", plan.active.join(", "), plan.tier);
        text += &format!("- stood in: {} (tier {})\n", plan.ready.join(", "), plan.standby);
        text += &format!("- services concerned: {}\n", services.join(", "));
        text += &format!("- planned for: {}\n", write_short(self.lasts));
        text += &format!(
            "- the standby was found well {} times, its slowest probe took {:.1} ms\n\n",
            self.looks, self.slowest_ms
        );
        self.steps.iter().fold(text, |text, (after, step)| text + &line(*after, step) + "\n")
    }

    /// Returns it for programs.
    pub(super) fn as_json(&self) -> Value {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let steps = self.steps.iter().map(|(after, text)| json!({ "after_ms": millis(*after), "text": text }));
        json!({
            "service": self.plan.service,
            "began_ms": self.begun.wall.as_millis(),
            "passed": self.passed(),
            "doubts": self.doubts,
            "tier": self.plan.tier,
            "drained": self.plan.active,
            "standby": self.plan.standby,
            "stood_in": self.plan.ready,
            "services": self.services,
            "for_ms": millis(self.lasts),
            "looks": self.looks,
            "slowest_ms": self.slowest_ms,
            "steps": steps.collect::<Vec<_>>(),
        })
    }
}

fn line(after: Duration, text: &str) -> String {
    format!("{:>7.1} s  {}", after.as_secs_f64(), sanitize(text))
}

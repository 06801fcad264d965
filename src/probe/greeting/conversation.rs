//! What is said to a server of a text protocol, and what its lines mean. Pure.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::mem;

use super::protocol::{Reading, Row, row};
use crate::health::Outcome;
use crate::probe::attempt::conclusive;
use crate::zone::services::TextProtocol;

/// A conversation under way.
///
/// ```text
///   greeting ── last line ──▶ question to be sent ──▶ answer ── last line ──▶ passed
///       └────────────── a refusal, or no such protocol ──────┴──▶ ended
/// ```
#[derive(Debug)]
pub struct Conversation {
    row: &'static Row,
    stage: Stage,
    /// What has come of a line that is not whole.
    buffer: Vec<u8>,
    /// How many octets have come since the stage began.
    heard: usize,
    /// How many lines have been read since then.
    lines: usize,
    /// The line that ended a stage, for the report.
    last: Option<String>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Hand in what comes.
    Read,
    /// Send this.
    Send(&'static str),
    /// The server serves, perhaps with a warning.
    Passes(Option<String>),
    /// It does not.
    Ends(Outcome),
}

#[derive(Clone, Debug, PartialEq)]
enum Stage {
    Greeting,
    Question,
    Answer,
    Passed,
    Ended(Outcome),
}

impl Conversation {
    /// Begins.
    pub fn new(protocol: TextProtocol) -> Self {
        let row = row(protocol);
        let stage = if row.greets { Stage::Greeting } else { Stage::Question };
        Self { row, stage, buffer: Vec::new(), heard: 0, lines: 0, last: None }
    }

    /// Returns what is to be done.
    pub fn step(&mut self) -> Step {
        match &self.stage {
            Stage::Greeting | Stage::Answer => Step::Read,
            Stage::Question => {
                self.enter(Stage::Answer);
                Step::Send(self.row.question)
            }
            Stage::Passed => Step::Passes(None),
            Stage::Ended(outcome) => Step::Ends(outcome.clone()),
        }
    }

    /// Takes in what came.
    pub fn heard(&mut self, octets: &[u8]) {
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            let read = match self.stage {
                Stage::Greeting => self.row.greeting,
                Stage::Answer => self.row.answer,
                // What comes behind is not asked for.
                Stage::Question | Stage::Passed | Stage::Ended(_) => return,
            };
            self.heard = self.heard.saturating_add(piece.len());
            if self.heard > HEARD_MAX {
                self.stage = Stage::Ended(conclusive("says more than 16 KiB, and no end of it"));
                return;
            }
            self.buffer.extend_from_slice(piece);
            if !piece.ends_with(b"\n") {
                continue;
            }
            let mut line = mem::take(&mut self.buffer);
            while line.last().is_some_and(|octet| matches!(octet, b'\r' | b'\n')) {
                line.pop();
            }
            let before = self.lines;
            self.lines = self.lines.saturating_add(1);
            match read(&line, before) {
                Reading::Part => {}
                Reading::Whole => {
                    self.last = Some(crate::probe::tcp::quote(&line));
                    let asks = self.stage == Stage::Greeting && !self.row.question.is_empty();
                    self.enter(if asks { Stage::Question } else { Stage::Passed });
                }
                Reading::Ends(outcome) => self.stage = Stage::Ended(outcome),
            }
        }
    }

    /// Says what it means that the far side closed now.
    pub(super) fn closed(&self) -> String {
        match (&self.stage, self.heard) {
            (Stage::Greeting, 0) => "closed without a greeting".to_owned(),
            (Stage::Greeting, _) => format!("closed within its greeting: {}", crate::probe::tcp::quote(&self.buffer)),
            (_, 0) => "closed without an answer".to_owned(),
            (_, _) => format!("closed within its answer: {}", crate::probe::tcp::quote(&self.buffer)),
        }
    }

    /// Returns the line that ended the last stage, for the report; once.
    pub(super) fn last_line(&mut self) -> Option<String> {
        self.last.take()
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        (self.heard, self.lines) = (0, 0);
        self.buffer.clear();
    }
}

/// The most that is heard before the line that is waited for, in octets.
const HEARD_MAX: usize = 16_384;

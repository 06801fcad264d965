//! The events of a state folder, read page by page.

use std::io;
use std::path::{Path, PathBuf};

use super::line::{EventLine, Line, Passed};
use super::lines::Lines;

/// The history of a state folder, to be read; clones are the same.
#[derive(Clone, Debug)]
pub struct Past {
    dir: PathBuf,
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Those with a higher number.
    pub after: u64,
    /// Those with a lower number.
    pub before: u64,
    /// Those that happened at this moment or later, in milliseconds.
    pub since_ms: u64,
    /// Those that happened before this moment, in milliseconds.
    pub until_ms: u64,
    /// The first so many.
    pub most: usize,
}

impl Past {
    /// Takes the history of a folder; nothing is read yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Returns the events that are wanted, in their order. Blocks.
    ///
    /// # Errors
    /// If there is a file that cannot be read.
    pub fn events(&self, wanted: &Wanted) -> io::Result<Vec<EventLine>> {
        let mut found = Vec::new();
        for line in Lines::of_folder(&self.dir)?.only_numbered() {
            if let Line::Event(event) = line?
                && wanted.covers(&event)
            {
                found.push(event);
                if found.len() >= wanted.most {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Returns the number of the last event, kept or not; 0 without any. Blocks.
    ///
    /// # Errors
    /// If there is a file that cannot be read.
    pub fn last(&self) -> io::Result<u64> {
        let mut last = 0;
        for line in Lines::of_folder(&self.dir)?.only_numbered() {
            match line? {
                Line::Event(EventLine { sequence, .. }) | Line::Passed(Passed { sequence }) => {
                    last = last.max(sequence);
                }
                Line::History(_)
                | Line::Start(_)
                | Line::Stop(_)
                | Line::Picture(_)
                | Line::Outcome(_)
                | Line::Lost(_) => {}
            }
        }
        Ok(last)
    }
}

impl Wanted {
    /// Wants all of them.
    pub const ALL: Self = Self { after: 0, before: u64::MAX, since_ms: 0, until_ms: u64::MAX, most: usize::MAX };

    /// Returns whether an event is wanted that happened then and has this number.
    const fn covers(&self, event: &EventLine) -> bool {
        self.after < event.sequence
            && event.sequence < self.before
            && self.since_ms <= event.at_ms
            && event.at_ms < self.until_ms
    }
}

//! Reads histories, line by line.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::base::file;

use super::files::{first, second};
use super::line::Line;

/// The lines of a history, the oldest first. What cannot be read as a line is passed over and counted.
#[derive(Debug)]
pub struct Lines {
    /// The files that are still to be read, the oldest last.
    files: Vec<BufReader<File>>,
    unreadable: u64,
    only_numbered: bool,
}

impl Lines {
    /// Reads the files of a state folder, also while a server writes them; none are no lines.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn of_folder(dir: &Path) -> io::Result<Self> {
        // The first one first: one that becomes the second meanwhile is not read twice, and none is left out.
        let newest = open(&first(dir))?;
        let older = open(&second(dir))?;
        let place = |file: &File| file.metadata().map(|metadata| (metadata.dev(), metadata.ino())).ok();
        let is_same = newest.as_ref().zip(older.as_ref()).is_some_and(|(a, b)| place(a) == place(b));
        let files = newest.into_iter().chain(older.filter(|_| !is_same));
        Ok(Self::over(files.collect()))
    }

    /// Reads one file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        Ok(Self::over(vec![file::open(path)?]))
    }

    fn over(files: Vec<File>) -> Self {
        Self { files: files.into_iter().map(BufReader::new).collect(), unreadable: 0, only_numbered: false }
    }

    /// Passes over all lines but those with the number of an event, without a look into them.
    #[must_use]
    pub(super) fn only_numbered(self) -> Self {
        Self { only_numbered: true, ..self }
    }

    /// Returns how many lines so far could not be read.
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut octets = Vec::new();
        loop {
            let file = self.files.last_mut()?;
            octets.clear();
            match file.take(LONGEST).read_until(b'\n', &mut octets) {
                Ok(0) => drop(self.files.pop()),
                Ok(_) => {
                    let line = octets.strip_suffix(b"\n").unwrap_or(&octets);
                    if line.is_empty() || (self.only_numbered && !Line::is_numbered(line)) {
                        continue;
                    }
                    match Line::read(line) {
                        Some(line) => return Some(Ok(line)),
                        None => self.unreadable += 1,
                    }
                }
                Err(error) => {
                    self.files.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match file::open_itself(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The longest line, in octets: a picture of the largest server is shorter.
const LONGEST: u64 = 64 << 20;

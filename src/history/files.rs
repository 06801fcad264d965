//! The files: appended to, and replaced by each other when the first is full.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::base::file;

use super::line::{Line, VERSION};

/// The two files of a folder, to be written.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    /// The size beyond which the first file gives way to a new one.
    limit: u64,
    /// The first file; nothing before the first line, and when a line failed.
    file: Option<File>,
    /// The octets of the first file that are whole lines.
    size: u64,
}

impl Files {
    /// Takes the files of a folder; nothing is opened yet.
    pub(super) fn new(dir: &Path, limit: u64) -> Self {
        Self { dir: dir.to_owned(), limit, file: None, size: 0 }
    }

    /// Appends whole lines; of lines that fail nothing stays. Blocks.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        if let Err(error) = file.write_all(lines) {
            // What was written of them ends in the middle of a line.
            drop(file.set_len(self.size));
            return Err(error);
        }
        self.size += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.file = Some(file);
        Ok(())
    }

    /// Returns whether the first file is full.
    pub(super) const fn is_full(&self) -> bool {
        self.size >= self.limit
    }

    /// Begins a new first file; the one before stays as the second. Blocks.
    ///
    /// # Errors
    /// If the disk refuses; all is as it was.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        fs::rename(first(&self.dir), second(&self.dir))?;
        self.file = None;
        self.file = Some(self.open()?);
        Ok(())
    }

    fn open(&mut self) -> io::Result<File> {
        let mut file = file::own().read(true).append(true).create(true).open(first(&self.dir))?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "history.journal is no plain file"));
        }
        self.size = file.metadata()?.len();
        let mut begin = Vec::new();
        if self.size == 0 {
            Line::History(VERSION).write(&mut begin);
        } else if !ends_a_line(&mut file)? {
            // Of a process that was killed: what comes next is a line of its own.
            begin.push(b'\n');
        }
        file.write_all(&begin)?;
        self.size += u64::try_from(begin.len()).unwrap_or(u64::MAX);
        Ok(file)
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Returns the path of the file that is written.
pub(super) fn first(dir: &Path) -> PathBuf {
    dir.join("history.journal")
}

/// Returns the path of the file before it.
pub(super) fn second(dir: &Path) -> PathBuf {
    dir.join("history.journal.1")
}

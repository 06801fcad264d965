//! The journal on disk: append and sync, compact when most of it is obsolete.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use tracing::{debug, warn};

use crate::base::file::{self, MAX_DATA};

use super::folder::{Folder, JOURNAL, own_uid};
use super::line::{self, MAX_KEY, MAX_VALUE};
use super::{Change, Entries, OpenError, WriteError};

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    folder: Folder,
    entries: Entries,
    /// The file, open to append; nothing when its end is not known to be a whole line, after a failed write.
    file: Option<File>,
    size: usize,
    /// The size above which it is compacted.
    limit: usize,
    /// Whether the file is damaged, and must be set aside before another one takes its place.
    damaged: bool,
}

impl Journal {
    /// Opens and fixes the journal of a folder.
    ///
    /// Where the disk is full or only to be read, it is read, is behind, and why is told beside it. So it is where a journal
    /// may be read but nothing be written: a server that was running goes on.
    pub(super) fn open(dir: &Path) -> Result<(Self, Option<OpenError>), OpenError> {
        match Self::open_to_write(dir) {
            Ok(journal) => Ok((journal, None)),
            Err(refusal) if refusal.is_refusal() || is_readable(dir, &refusal) => {
                let folder = Folder::open_to_read(dir)?;
                let decoded = line::decode(&read(&folder)?);
                let damaged = decoded.damaged > 0;
                let entries = line::replay(decoded.changes);
                Ok((Self { folder, entries, file: None, size: 0, limit: 0, damaged }, Some(refusal)))
            }
            Err(error) => Err(error),
        }
    }

    fn open_to_write(dir: &Path) -> Result<Self, OpenError> {
        let folder = Folder::open(dir)?;
        let path = folder.journal();
        let bytes = read(&folder)?;
        let decoded = line::decode(&bytes);
        if decoded.torn {
            debug!(store.path = %path.display(), "dropped a torn last line of the state");
        }
        let unwritable = |source| OpenError::Write { dir: dir.into(), uid: own_uid(), source };
        if decoded.damaged > 0 {
            let aside = folder.set_aside().map_err(unwritable)?;
            warn!(
                store.path = %path.display(), store.aside = %aside.display(), store.damaged = decoded.damaged,
                store.kept = decoded.changes.len(), "the state is damaged: kept its intact lines, set a copy aside"
            );
        }
        let clean = decoded.clean;
        let mut journal =
            Self { folder, entries: line::replay(decoded.changes), file: None, size: 0, limit: 0, damaged: false };
        let live = journal.encode();
        journal.limit = limit_for(live.len());
        if clean && bytes.len() <= journal.limit {
            journal.file = Some(journal.folder.append().map_err(unwritable)?);
            journal.size = bytes.len();
        } else {
            journal.compact(&live).map_err(unwritable)?;
        }
        Ok(journal)
    }

    /// Returns all entries.
    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Returns whether an earlier write failed.
    pub(super) fn is_behind(&self) -> bool {
        self.file.is_none()
    }

    /// Writes changes and returns when they are on disk. A change that is too long fails them all.
    pub(super) fn write(&mut self, changes: Vec<Change>) -> Result<(), WriteError> {
        if let Some(change) = changes.iter().find(|change| is_too_long(change)) {
            let octets = change.key.len() + change.value.as_ref().map_or(0, Vec::len);
            return Err(WriteError::TooLong { key: change.key.chars().take(80).collect(), octets });
        }
        let mut lines = Vec::new();
        for change in changes {
            line::write(&mut lines, &change.key, change.value.as_deref());
            line::apply(&mut self.entries, change);
        }
        let Some(mut file) = self.file.take() else { return self.repair() };
        self.size += lines.len();
        if self.size > self.limit {
            return self.repair();
        }
        // On failure the file stays closed: its last line may be half there, and after a failed sync nobody knows which pages
        // are on disk. So the whole journal is then written anew.
        file.write_all(&lines).and_then(|()| file.sync_data()).map_err(|error| self.disk(error))?;
        self.file = Some(file);
        Ok(())
    }

    /// Writes the whole journal anew, if an earlier write failed.
    pub(super) fn repair(&mut self) -> Result<(), WriteError> {
        if self.file.is_some() {
            return Ok(());
        }
        let live = self.encode();
        self.compact(&live).map_err(|error| self.disk(error))
    }

    fn compact(&mut self, live: &[u8]) -> io::Result<()> {
        if self.damaged {
            self.folder.set_aside()?;
            self.damaged = false;
        }
        self.file = Some(self.folder.replace(live)?);
        (self.size, self.limit) = (live.len(), limit_for(live.len()));
        debug!(store.path = %self.folder.path().display(), store.size = self.size, "compacted the state");
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = line::HEADER.to_vec();
        for (key, value) in &self.entries {
            line::write(&mut bytes, key, Some(value));
        }
        bytes
    }

    fn disk(&self, error: io::Error) -> WriteError {
        WriteError::Disk { path: self.folder.journal(), source: Arc::new(error) }
    }
}

fn read(folder: &Folder) -> Result<Vec<u8>, OpenError> {
    let path = folder.journal();
    match file::open_itself(&path).and_then(|file| file::read_opened(&file, MAX_DATA)) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(OpenError::Read { path, source }),
    }
}

/// Returns whether a folder in which we may not write holds a journal that we may read.
fn is_readable(dir: &Path, refusal: &OpenError) -> bool {
    matches!(refusal, OpenError::Write { .. }) && file::open_itself(&dir.join(JOURNAL)).is_ok()
}

fn is_too_long(change: &Change) -> bool {
    change.key.len() > MAX_KEY || change.value.as_ref().is_some_and(|value| value.len() > MAX_VALUE)
}

/// Twice what lives: each octet is then rewritten once for one that was appended; the floor spares a small state the work.
fn limit_for(live: usize) -> usize {
    live * 2 + FLOOR
}

pub(super) const FLOOR: usize = 1 << 16;

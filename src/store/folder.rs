//! The state folder: making it, locking it, replacing and setting aside its files.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::OpenError;
use crate::base::error::Chain;
use crate::base::file;

/// The state folder with its lock, which ends with this value or its process, however that dies.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    /// Nothing where the disk refused to make it.
    lock: Option<File>,
}

impl Folder {
    /// Makes the folder if it is missing, and locks it.
    pub(super) fn open(dir: &Path) -> Result<Self, OpenError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|source| OpenError::Make {
            dir: dir.into(),
            uid: own_uid(),
            source,
        })?;
        let path = dir.join(LOCK);
        let lock = file::own().read(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(|source| OpenError::Write { dir: dir.into(), uid: own_uid(), source })?;
        judge_owner(dir)?;
        Self::locked(dir, path, lock)
    }

    /// Takes a folder in which nothing can be written for now; another server's lock holds all the same.
    pub(super) fn open_to_read(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(LOCK);
        judge_owner(dir)?;
        match file::open_itself(&path) {
            Ok(lock) => Self::locked(dir, path, lock),
            Err(_) => Ok(Self { dir: dir.into(), lock: None }),
        }
    }

    fn locked(dir: &Path, path: PathBuf, mut lock: File) -> Result<Self, OpenError> {
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Busy { dir: dir.into(), pid: holder(&mut lock) }),
            Err(TryLockError::Error(source)) => return Err(OpenError::Lock { path, source }),
        }
        // Only for the message to a second server: a full disk does not matter.
        drop(lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())));
        Ok(Self { dir: dir.into(), lock: Some(lock) })
    }

    /// Makes folder and lock that could not be made before.
    fn catch_up(&mut self) -> io::Result<()> {
        if self.lock.is_none() {
            self.lock = Self::open(&self.dir).map_err(|error| io::Error::other(Chain(&error).to_string()))?.lock;
        }
        Ok(())
    }

    /// Returns the folder's path.
    pub(super) fn path(&self) -> &Path {
        &self.dir
    }

    /// Opens the journal to append.
    pub(super) fn append(&self) -> io::Result<File> {
        file::own().append(true).open(self.journal())
    }

    /// Returns the journal's path.
    pub(super) fn journal(&self) -> PathBuf {
        self.dir.join(JOURNAL)
    }

    /// Puts a journal of these bytes in the place of the old one, whole or not at all, and opens it to append.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> io::Result<File> {
        self.catch_up()?;
        let new = self.dir.join(JOURNAL_NEW);
        // What is there by this name is of a process that was killed, or not ours: it is not written through.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = file::own().create_new(true).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, self.journal())?;
        File::open(&self.dir)?.sync_all()?;
        Ok(file)
    }

    /// Copies the journal to the next free name of the damaged ones, and returns that; the last name is used again and again.
    pub(super) fn set_aside(&self) -> io::Result<PathBuf> {
        // A copy, not a rename: were the process killed before the fixed journal is written, the next start finds it all.
        let names = std::iter::once(format!("{JOURNAL}.corrupt"))
            .chain((1..MAX_ASIDE).map(|number| format!("{JOURNAL}.corrupt.{number}")))
            .map(|name| self.dir.join(name));
        let mut last = None;
        for path in names {
            let free = fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            last = Some(path);
            if free {
                break;
            }
        }
        let aside = last.expect("the first name is always there");
        if fs::symlink_metadata(&aside).is_ok() {
            fs::remove_file(&aside)?;
        }
        let mut copy = file::own().create_new(true).open(&aside)?;
        io::copy(&mut file::open_itself(&self.journal())?, &mut copy)?;
        Ok(aside)
    }
}

/// Refuses a folder in which others could put what is believed at the next start.
fn judge_owner(dir: &Path) -> Result<(), OpenError> {
    let Ok(metadata) = fs::metadata(dir) else { return Ok(()) };
    let (own, owner, mode) = (own_uid(), metadata.uid(), metadata.mode() & 0o7777);
    // Root could put there what it likes anyway.
    let is_ours = owner == 0 || own.is_none_or(|own| own == owner);
    if is_ours && mode & 0o022 == 0 {
        Ok(())
    } else {
        Err(OpenError::Exposed { dir: dir.into(), uid: own, owner, mode })
    }
}

/// Returns whether a process holds the lock of a folder.
pub(super) fn is_locked(dir: &Path) -> bool {
    let lock = File::open(dir.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// The user of this process, as the owner of its entry in /proc.
pub(super) fn own_uid() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|meta| meta.uid())
}

/// The journal's file name.
pub(super) const JOURNAL: &str = "state.journal";
const JOURNAL_NEW: &str = "state.journal.new";
const LOCK: &str = "state.lock";

/// How many damaged journals are kept.
pub(super) const MAX_ASIDE: usize = 10;

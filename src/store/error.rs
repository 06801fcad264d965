//! Why the state folder cannot be used, and what would fix it.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use crate::base::error::Chain;
use crate::base::finding::Finding;

/// Why a state folder cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing and cannot be made.
    #[error("cannot make the state folder {}", dir.display())]
    Make {
        /// The folder.
        dir: PathBuf,
        /// The process's user, if it is known.
        uid: Option<u32>,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing can be written in the folder.
    #[error("cannot write in the state folder {}", dir.display())]
    Write {
        /// The folder.
        dir: PathBuf,
        /// The process's user, if it is known.
        uid: Option<u32>,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else owns the folder, or may write in it: what is kept there could be theirs.
    #[error("the state folder {} {}", dir.display(), exposure(*uid, *owner, *mode))]
    Exposed {
        /// The folder.
        dir: PathBuf,
        /// The process's user, if it is known.
        uid: Option<u32>,
        /// The folder's user.
        owner: u32,
        /// The folder's permissions.
        mode: u32,
    },
    /// Another server holds the folder.
    #[error("the state folder {} is used by another server{}", dir.display(), pid.map(|pid| format!(", process {pid}")).unwrap_or_default())]
    Busy {
        /// The folder.
        dir: PathBuf,
        /// Its process, if it could be read.
        pid: Option<u32>,
    },
    /// The file system cannot lock.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal is there and cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why changes are not on disk.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk refused.
    #[error("cannot write {}", path.display())]
    Disk {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: std::sync::Arc<io::Error>,
    },
    /// A key or value is longer than a line may be.
    #[error("the state of {key} is too long to keep: {octets} octets")]
    TooLong {
        /// The key, shortened.
        key: String,
        /// The length of key and value.
        octets: usize,
    },
    /// The task that writes is gone.
    #[error("the state is not written any more")]
    Stopped,
}

impl OpenError {
    /// Returns whether the disk is full or only to be read: then what was kept can be read, and writing be tried again.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Make { source, .. } | Self::Write { source, .. } => refuses(source),
            Self::Exposed { .. } | Self::Busy { .. } | Self::Lock { .. } | Self::Read { .. } => false,
        }
    }

    /// Says it as a finding with its fix.
    pub fn finding(&self) -> Finding {
        let (id, help) = match self {
            Self::Make { dir, source, .. } | Self::Write { dir, source, .. } if refuses(source) => {
                let fix = if source.kind() == ErrorKind::ReadOnlyFilesystem {
                    "mount it so that it can be written"
                } else if source.kind() == ErrorKind::QuotaExceeded {
                    "raise the quota of the server's user"
                } else {
                    "make room"
                };
                ("state-disk", format!("{fix} on the file system of {}, {OTHERWISE}", dir.display()))
            }
            Self::Make { dir, uid, .. } => {
                let dir = dir.display();
                let owner = uid.map(|uid| format!(" -o {uid}")).unwrap_or_default();
                ("state-folder", format!("make it with `install -d{owner} {dir}`, {OTHERWISE}"))
            }
            Self::Write { dir, uid, .. } => {
                let (dir, uid) = (dir.display(), uid.map_or_else(|| "USER".to_owned(), |uid| uid.to_string()));
                ("state-folder", format!("give it to the server's user with `chown -R {uid} {dir}`, {OTHERWISE}"))
            }
            Self::Exposed { dir, uid, owner, .. } => {
                let dir = dir.display();
                let fix = match uid.filter(|uid| uid != owner) {
                    Some(uid) => format!("chown -R {uid} {dir}"),
                    None => format!("chmod go-w {dir}"),
                };
                ("state-folder", format!("look at what is in it, then `{fix}`, {OTHERWISE}"))
            }
            Self::Busy { .. } => ("state-busy", format!("stop the other server, {OTHERWISE}")),
            Self::Lock { .. } => ("state-lock", format!("put it on a local file system, {OTHERWISE}")),
            Self::Read { path, .. } => {
                ("state-read", format!("let the user who runs this read {}, {OTHERWISE}", path.display()))
            }
        };
        Finding::error(id, Chain(self).to_string()).help(help)
    }
}

/// Says why others could have written what is in a folder.
fn exposure(uid: Option<u32>, owner: u32, mode: u32) -> String {
    match uid.filter(|uid| *uid != owner) {
        Some(uid) => format!("belongs to user {owner}, and this is user {uid}"),
        None => format!("can be written by others (mode {mode:o})"),
    }
}

/// Returns whether the disk is full or only to be read, which may pass without a change of ours.
pub(super) fn refuses(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
}

const OTHERWISE: &str = "or choose another folder with `--state DIR`, or keep nothing with `--state none`";

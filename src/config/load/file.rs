//! What all readers of files need: why one cannot be read, and where it lies.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::finding::Finding;

/// Says that a file cannot be read, and what would fix it.
pub(super) fn unreadable(what: &str, error: &io::Error) -> Finding {
    let finding = Finding::error("file-read", format!("{what}: {error}"));
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound {
        finding.help("name a file that is there; paths in a config are relative to its own folder")
    } else if kind == io::ErrorKind::PermissionDenied {
        finding.help("let the user who runs this read the file, and enter the folders above it")
    } else if kind == io::ErrorKind::IsADirectory {
        finding.help("name a file in this folder")
    } else {
        finding
    }
}

/// Returns the folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

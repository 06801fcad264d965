//! Shared by all file readers: why a file cannot be read, and its path.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::file::{self, MAX_SETTINGS};
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

/// Reads a file of settings, keys or certificates.
///
/// # Errors
/// If it cannot be read, is no plain file, or is too long for one.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    file::read(path, MAX_SETTINGS)
}

/// Warns if anybody on the machine can read a file that holds something secret.
pub(super) fn warn_of_others(path: &Path, file: &std::fs::File) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().ok()?.permissions().mode();
    let finding = Finding::warning("secret-open", format!("{} can be read by everybody", path.display()));
    (mode & 0o004 != 0).then(|| finding.help(format!("chmod o= {}", path.display())))
}

/// Returns the folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

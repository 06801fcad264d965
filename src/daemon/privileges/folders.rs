//! The folders in which the server writes: they must belong to the user that it becomes.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, lchown};
use std::path::Path;

use crate::config::Running;

use super::PrivilegeError;
use super::account::Account;

/// Makes the folders of the state and of a default API socket that are missing, for the user, and refuses a state folder of
/// somebody else: it would be read once and never be written.
pub(super) fn prepare(running: &Running, account: &Account, is_root: bool) -> Result<(), PrivilegeError> {
    let state = running.state.folder.as_deref();
    let socket = running.server.admin_socket.as_ref().filter(|socket| socket.is_default);
    for folder in state.into_iter().chain(socket.and_then(|socket| socket.path.parent())) {
        if is_root && !folder.as_os_str().is_empty() {
            make(folder, account).map_err(|source| PrivilegeError::Folder {
                path: folder.to_owned(),
                user: account.name().to_owned(),
                source,
            })?;
        }
    }
    state.map_or(Ok(()), |folder| judge(folder, account))
}

/// Makes a folder, for the user alone; those above it stay root's.
fn make(folder: &Path, account: &Account) -> io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    }
    DirBuilder::new().mode(0o700).create(folder)?;
    lchown(folder, Some(account.uid()), Some(account.gid()))
}

/// Refuses a folder that belongs to somebody else, or in which something does, as an earlier start as root leaves it.
fn judge(folder: &Path, account: &Account) -> Result<(), PrivilegeError> {
    // What cannot be looked at is told when the state is opened.
    let inside = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in std::iter::once(folder.to_owned()).chain(inside) {
        let owner = fs::symlink_metadata(&path).map(|metadata| metadata.uid());
        if let Ok(owner) = owner
            && owner != account.uid()
        {
            let (folder, user) = (folder.to_owned(), account.name().to_owned());
            return Err(PrivilegeError::Foreign { path, folder, owner, user });
        }
    }
    Ok(())
}

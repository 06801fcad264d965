//! Reads whole files up to a limit; anything but a regular file is refused without blocking.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::OFlags;

/// The largest file of settings, keys or certificates, in octets.
pub const MAX_SETTINGS: u64 = 16 << 20;
/// The largest zone file and the largest state journal, in octets.
pub const MAX_DATA: u64 = 1 << 30;

/// Opens a plain file to read; a FIFO, a socket or a device is refused at once.
///
/// # Errors
/// If it cannot be opened, or is no plain file.
pub fn open(path: &Path) -> io::Result<File> {
    is_plain(&std::fs::metadata(path)?)?;
    open_by(path, OFlags::empty())
}

/// Opens a plain file to read, and no symbolic link to one.
///
/// # Errors
/// If it cannot be opened, or is no plain file.
pub fn open_itself(path: &Path) -> io::Result<File> {
    let metadata = std::fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link"));
    }
    is_plain(&metadata)?;
    open_by(path, OFlags::NOFOLLOW)
}

fn open_by(path: &Path, more: OFlags) -> io::Result<File> {
    // Without waiting for a writer, should it turn into a FIFO between the two looks.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY | more).bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    is_plain(&file.metadata()?)?;
    Ok(file)
}

/// Begins to open files of a folder that is ours: to write, for their owner alone, and through no link of somebody else.
pub fn own() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NOCTTY).bits()).unwrap_or(0);
    options.write(true).mode(0o600).custom_flags(flags);
    options
}

/// Reads a plain file of at most `limit` octets.
///
/// # Errors
/// If it cannot be read, is no plain file, or is longer.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_opened(&open(path)?, limit)
}

/// Reads standard input, of at most `limit` octets; whoever asks again gets the same.
///
/// # Errors
/// If it cannot be read, or is longer.
pub fn read_standard_input(limit: u64) -> io::Result<Vec<u8>> {
    static INPUT: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    let mut known = INPUT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(octets) = &*known {
        return Ok(octets.clone());
    }
    let mut octets = Vec::new();
    io::stdin().lock().take(limit + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > limit {
        return Err(too_long(limit));
    }
    Ok(known.insert(octets).clone())
}

fn too_long(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} octets"))
}

/// Reads a file that [`open`] opened, as [`read`] does.
///
/// # Errors
/// If it cannot be read, or is longer.
pub fn read_opened(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_long(limit));
    }
    let mut octets = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // It may grow while it is read, and files of /proc tell no length.
    file.take(limit + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > limit { Err(too_long(limit)) } else { Ok(octets) }
}

fn is_plain(metadata: &std::fs::Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file, but a pipe, a socket or a device"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_up_to_the_limit_are_read_and_nothing_is_waited_for() {
        let folder = std::env::temp_dir().join(format!("understudy-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (plain, fifo, socket) = (folder.join("plain"), folder.join("fifo"), folder.join("socket"));
        std::fs::write(&plain, b"octets").unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(read(&plain, 6).unwrap(), b"octets");
        assert_eq!(read(&plain, 5).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(&folder, 6).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        for path in [fifo.as_path(), socket.as_path(), Path::new("/dev/zero")] {
            assert_eq!(read(path, 6).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{}", path.display());
        }
        // It tells no length, and has more than the limit.
        assert_eq!(read(Path::new("/proc/self/status"), 6).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

//! The listeners of the API: the socket with its file, and the one for the network.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustls::server::VerifierBuilderError;
use tracing::{info, warn};

use crate::admin::api::{Api, Arrival, Guard, router};
use crate::admin::{Socket, serve};
use crate::base::error::Chain;
use crate::base::finding::Finding;
use crate::base::tasks::Tasks;
use crate::config::{AdminListen, AdminSocket};
use crate::serve::Certificates;

/// A bound socket; the file goes with it.
#[derive(Debug)]
pub(super) struct AdminFile {
    path: PathBuf,
    /// The device and the number of the file, by which it is known: another server may have taken its place.
    identity: (u64, u64),
    listener: Option<UnixListener>,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Another process answers there.
    #[error("another process serves {}", .0.display())]
    InUse(PathBuf),
    /// Something else has the name.
    #[error("{} is there, and no socket", .0.display())]
    NoSocket(PathBuf),
    /// No listener can be made of the certificates.
    #[error("`admin-client-ca` holds no authority")]
    Clients(#[from] VerifierBuilderError),
    /// The network's listener cannot be handed to the runtime.
    #[error("cannot take orders on {address}")]
    Listen {
        /// Its address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system says no.
    #[error("the socket {} cannot be made", path.display())]
    Make {
        /// Its file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Binds the socket of the API; a default one that cannot be made is left out, with a warning.
///
/// # Errors
/// If the operator has named it, and it cannot be made.
pub(super) fn bind(socket: Option<&AdminSocket>) -> Result<(Option<AdminFile>, Option<Finding>), AdminError> {
    let Some(socket) = socket else { return Ok((None, None)) };
    if socket.is_default
        && let Some(folder) = socket.path.parent()
    {
        // If it cannot be made, binding tells so.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).ok();
    }
    match AdminFile::bind(&socket.path) {
        Ok(file) => Ok((Some(file), None)),
        Err(error) if socket.is_default => {
            let finding = Finding::warning("admin-socket", Chain(&error).to_string());
            let finding = finding.why("orders and `understudy status` do not reach this server");
            Ok((None, Some(finding.help("name another file: `admin-socket` in [server], or --admin-socket"))))
        }
        Err(error) => Err(error),
    }
}

/// Serves the API over the network until the owner of the tasks is told to stop. `certificates` are the server's own.
///
/// # Errors
/// If nothing can be served there.
pub(super) fn listen(
    settings: AdminListen,
    listener: std::net::TcpListener,
    certificates: Option<&Certificates>,
    tasks: &Tasks,
    api: Api,
) -> Result<(), AdminError> {
    let address = settings.address;
    let clients = settings.clients.as_deref().cloned();
    let config = match certificates.filter(|_| settings.is_encrypted) {
        Some(certificates) => Some(certificates.http_config(clients)?),
        None => None,
    };
    let to_runtime = |listener: std::net::TcpListener| {
        listener.set_nonblocking(true)?;
        Ok((listener.local_addr()?, tokio::net::TcpListener::from_std(listener)?))
    };
    let (at, listener) = to_runtime(listener).map_err(|source| AdminError::Listen { address, source })?;
    info!(listen = %at, encrypted = config.is_some(), "taking orders over the network");
    let (socket, arrival) = match config {
        Some(config) => (Socket::Tls(listener, config), Arrival::Encrypted),
        None => (Socket::Tcp(listener), Arrival::Clear),
    };
    spawn(tasks, socket, api, Guard { token: settings.token, arrival });
    Ok(())
}

fn spawn(tasks: &Tasks, socket: Socket, api: Api, guard: Guard) {
    let stop = tasks.token().clone().cancelled_owned();
    drop(tasks.spawn_vital("admin", async move {
        let clock = api.clock;
        if let Err(error) = serve(socket, clock, router(api, guard), stop).await {
            warn!(%error, "orders are no longer taken");
        }
    }));
}

impl AdminFile {
    fn bind(path: &Path) -> Result<Self, AdminError> {
        if let Ok(there) = fs::symlink_metadata(path) {
            if !there.file_type().is_socket() {
                return Err(AdminError::NoSocket(path.to_owned()));
            }
            if UnixStream::connect(path).is_ok() {
                return Err(AdminError::InUse(path.to_owned()));
            }
        }
        let make = || {
            let mut new = path.as_os_str().to_owned();
            new.push(".new");
            let new = PathBuf::from(new);
            match fs::remove_file(&new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let listener = UnixListener::bind(&new)?;
            listener.set_nonblocking(true)?;
            // It gets its name when its mode is right; one that a crash has left is replaced.
            fs::set_permissions(&new, fs::Permissions::from_mode(MODE))?;
            fs::rename(&new, path)?;
            Ok((listener, identity(path)?))
        };
        // The commands may be called from elsewhere.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (listener, identity) = make().map_err(|source| AdminError::Make { path: path.to_owned(), source })?;
        Ok(Self { path: whole, identity, listener: Some(listener) })
    }

    /// Serves the API until the owner of the tasks is told to stop.
    pub(super) fn serve(&mut self, tasks: &Tasks, api: Api) -> io::Result<()> {
        let Some(listener) = self.listener.take() else { return Ok(()) };
        let socket = Socket::Unix(tokio::net::UnixListener::from_std(listener)?);
        info!(socket = %self.path.display(), "taking orders");
        spawn(tasks, socket, api, Guard::default());
        Ok(())
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for AdminFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            fs::remove_file(&self.path).ok();
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// The owner and the group may give orders, nobody else.
const MODE: u32 = 0o660;

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("understudy-admin-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn the_socket_is_for_owner_and_group_replaces_a_dead_one_and_goes_with_its_server() {
        let folder = folder("file");
        let path = folder.join("admin.sock");
        // What a crash has left.
        drop(UnixListener::bind(&path).unwrap());
        let file = AdminFile::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let second = AdminFile::bind(&path);
        assert!(matches!(&second, Err(AdminError::InUse(_))), "{second:?}");
        drop(file);
        assert!(!path.exists());
        fs::write(&path, "a letter").unwrap();
        let other = AdminFile::bind(&path);
        assert!(matches!(&other, Err(AdminError::NoSocket(_))), "{other:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a letter");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_default_that_cannot_be_made_is_a_warning_and_a_named_one_an_error() {
        let folder = folder("name");
        let path = folder.join("x".repeat(200));
        let socket = |is_default| AdminSocket { path: path.clone(), is_default };
        let (file, finding) = bind(Some(&socket(true))).unwrap();
        assert!(file.is_none() && finding.unwrap().id == "admin-socket");
        assert!(matches!(bind(Some(&socket(false))), Err(AdminError::Make { .. })));
        fs::remove_dir_all(folder).unwrap();
    }
}

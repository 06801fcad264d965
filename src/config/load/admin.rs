//! Where the API is served, and who may come.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::admin::api::Token;
use crate::base::finding::Finding;
use crate::config::settings::{AdminListen, AdminSocket, SocketChoice, StateSettings};
use crate::config::shape::Server;

use super::identity::{read, read_private};

/// Returns the socket of the API: that which is named, else one in the runtime folder, else one in the state folder. A
/// state folder that is named comes before the user's runtime folder, so that each of several servers has its own.
///
/// `named` is the choice of the command line, and `is_state_named` says whether config or command line name the state
/// folder.
pub(super) fn socket(
    named: Option<SocketChoice>,
    server: &Server,
    folder: &Path,
    variable: impl Fn(&str) -> Option<OsString>,
    (state, is_state_named): (&StateSettings, bool),
) -> Option<AdminSocket> {
    let configured = server.admin_socket.as_ref().map(|choice| match &choice.value {
        SocketChoice::File(path) => SocketChoice::File(folder.join(path)),
        SocketChoice::Nothing => SocketChoice::Nothing,
    });
    match named.or(configured) {
        Some(SocketChoice::File(path)) => return Some(AdminSocket { path, is_default: false }),
        Some(SocketChoice::Nothing) => return None,
        None => {}
    }
    let systems = variable("RUNTIME_DIRECTORY");
    let systems = systems.and_then(|value| std::env::split_paths(&value).next());
    let named = state.folder.clone().filter(|_| is_state_named);
    let users = variable("XDG_RUNTIME_DIR").map(|value| PathBuf::from(value).join("understudy"));
    let folder = systems.or(named).or(users).or_else(|| state.folder.clone())?;
    Some(AdminSocket { path: folder.join(SOCKET), is_default: true })
}

/// Returns the listener of the API; what keeps it from being one becomes a finding.
pub(super) fn listener(server: &Server, folder: &Path, findings: &mut Vec<Finding>) -> Option<AdminListen> {
    let listen = server.admin_listen.as_ref()?;
    let token = server.admin_token_file.as_ref().map(|path| {
        let octets = read_private(path, folder, findings)?;
        let told = Token::read(&octets).map_err(|wanted| {
            let message = format!("{} holds no token", folder.join(&path.value).display());
            let finding = Finding::error("config-admin", message).at(path.place.clone());
            findings.push(finding.help(format!("it takes {wanted}")).command("openssl rand -hex 32"));
        });
        told.ok()
    });
    let clients = server.admin_client_ca.as_ref().map(|path| {
        let (pem, _) = read(path, folder, findings)?;
        let roots = roots(&pem);
        if roots.is_none() {
            let message = format!("{} holds no certificate of a CA", folder.join(&path.value).display());
            findings.push(Finding::error("config-admin", message).at(path.place.clone()).help("it takes PEM"));
        }
        roots
    });
    let is_encrypted = clients.is_some() || !listen.value.ip().is_loopback();
    let mut refuse = |message: &str, help: &str| {
        findings.push(Finding::error("config-admin", message).at(listen.place.clone()).help(help));
    };
    if token.is_none() && clients.is_none() {
        refuse(
            "`admin-listen` would let everybody operate the server",
            "name an `admin-token-file` or an `admin-client-ca`",
        );
    }
    if is_encrypted && (server.certificate.is_none() || server.key.is_none()) {
        let message = "`admin-listen` needs TLS outside of loopback, and for certificates of clients";
        refuse(message, "name `certificate` and `key`, or listen on loopback with a token");
    }
    // What was named and cannot be used is a finding already.
    let (token, clients) =
        (token.map_or(Some(None), |token| token.map(Some))?, clients.map_or(Some(None), |roots| roots.map(Some))?);
    Some(AdminListen { address: listen.value, token, is_encrypted, clients: clients.map(Arc::new) })
}

/// Reads authorities; nothing if there is none, or one that is broken.
pub(super) fn roots(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
}

/// The name of the API's socket in its folder.
const SOCKET: &str = "admin.sock";

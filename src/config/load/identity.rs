//! Reads the certificate, the key and the cookie secrets, relative to the config's folder.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::base::error::Chain;
use crate::base::file::{MAX_SETTINGS, open, read_opened};
use crate::base::finding::Finding;
use crate::config::shape::Server;
use crate::keys::source::Placed;
use crate::serve::{Identity, Secrets};

use super::file::warn_of_others;

/// Reads certificate and key, if both are named; what is wrong becomes a finding.
pub(super) fn read_identity(server: &Server, folder: &Path, findings: &mut Vec<Finding>) -> Option<Identity> {
    let (certificate, key) = (server.certificate.as_ref()?, server.key.as_ref()?);
    let chain = read(certificate, folder, findings).map(|(chain, _)| chain);
    let secret = read_private(key, folder, findings);
    match Identity::from_pem(&chain?, &secret?) {
        Ok(identity) => Some(identity),
        Err(error) => {
            let finding = Finding::error("config-certificate", Chain(&error).to_string());
            let help = "both files are PEM, and the server's own certificate stands first in its file";
            findings.push(finding.at(certificate.place.clone()).help(help));
            None
        }
    }
}

/// Reads the secrets of cookies, if they are named; what is wrong becomes a finding.
pub(super) fn read_secrets(server: &Server, folder: &Path, findings: &mut Vec<Finding>) -> Option<Secrets> {
    let path = server.cookie_secrets.as_ref()?;
    let text = String::from_utf8_lossy(&read_private(path, folder, findings)?).into_owned();
    match Secrets::parse(&text) {
        Ok(secrets) => Some(secrets),
        Err(error) => {
            let message = format!("{} has no secrets of cookies: {error}", folder.join(&path.value).display());
            let finding = Finding::error("config-cookie-secrets", message).at(path.place.clone());
            let help = "write 32 hexadecimal digits a line, the one to sign with first";
            findings.push(finding.help(help).command("openssl rand -hex 16"));
            None
        }
    }
}

/// Reads a file, and returns it too, as it was opened.
pub(super) fn read(path: &Placed<PathBuf>, folder: &Path, findings: &mut Vec<Finding>) -> Option<(Vec<u8>, File)> {
    let file = folder.join(&path.value);
    let read = open(&file).and_then(|opened| Ok((read_opened(&opened, MAX_SETTINGS)?, opened)));
    let unread = |error| super::file::unreadable(&format!("cannot read {}", file.display()), &error);
    read.map_err(|error| findings.push(unread(error).at(path.place.clone()))).ok()
}

/// Reads something secret, and warns if everybody on the machine can read it.
pub(super) fn read_private(path: &Placed<PathBuf>, folder: &Path, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
    let (octets, opened) = read(path, folder, findings)?;
    findings.extend(warn_of_others(&folder.join(&path.value), &opened));
    Some(octets)
}

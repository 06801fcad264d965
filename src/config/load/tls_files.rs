//! Reads the private CAs and client certificates that the sections of a config name, each file once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::base::error::Chain;
use crate::base::finding::Finding;
use crate::config::shape::{File, TargetKeys};
use crate::keys::source::Placed;
use crate::probe::{Authority, ClientCertificate};

use super::file;
use super::identity::{read, read_private};

/// The files of a certificate and of its key.
type Pair = (PathBuf, PathBuf);

/// Reads all of them, relative to the config's folder.
pub(super) fn read_all(file: &mut File, folder: &Path, findings: &mut Vec<Finding>) {
    let services = file.services.iter_mut().map(|entry| &mut entry.target);
    let addresses = file.addresses.iter_mut().map(|entry| &mut entry.target);
    let mut authorities: HashMap<PathBuf, Option<Authority>> = HashMap::new();
    let mut certificates: HashMap<Pair, Option<ClientCertificate>> = HashMap::new();
    for keys in std::iter::once(&mut file.target).chain(services).chain(addresses) {
        if let Some(path) = &keys.ca_file {
            let read = || match read_authority(&folder.join(&path.value)) {
                Ok(authority) => Some(authority),
                Err(message) => {
                    findings.push(Finding::error("file-read", message).at(path.place.clone()));
                    None
                }
            };
            keys.tls_files.authority = authorities.entry(path.value.clone()).or_insert_with(read).clone();
        }
        if let Some([certificate, key]) = pair(keys, findings) {
            let names = (certificate.value.clone(), key.value.clone());
            let read = || read_client(&certificate, &key, folder, findings);
            keys.tls_files.client_certificate = certificates.entry(names).or_insert_with(read).clone();
        }
    }
}

/// Returns the files of certificate and key of a section, if it names them.
fn pair(keys: &TargetKeys, findings: &mut Vec<Finding>) -> Option<[Placed<PathBuf>; 2]> {
    match (&keys.client_certificate, &keys.client_key) {
        (None, None) => None,
        (Some(certificate), key) => Some([certificate.clone(), key.clone().unwrap_or_else(|| certificate.clone())]),
        (None, Some(key)) => {
            let finding = Finding::error("config-value", "`client-key` stands without `client-certificate`");
            findings.push(finding.at(key.place.clone()).help("name the file of its certificate too"));
            None
        }
    }
}

fn read_authority(path: &Path) -> Result<Authority, String> {
    let name = path.display().to_string();
    let pem = file::read(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    Authority::from_pem(&name, &pem).map_err(|error| format!("{name} holds no CA: {}", Chain(&error)))
}

fn read_client(
    certificate: &Placed<PathBuf>,
    key: &Placed<PathBuf>,
    folder: &Path,
    findings: &mut Vec<Finding>,
) -> Option<ClientCertificate> {
    let chain = read(certificate, folder, findings).map(|(chain, _)| chain);
    let secret = read_private(key, folder, findings);
    match ClientCertificate::from_pem(&chain?, &secret?) {
        Ok(certificate) => Some(certificate),
        Err(error) => {
            let finding = Finding::error("config-certificate", format!("`client-certificate`: {}", Chain(&error)));
            let help = "both are PEM, the client's own certificate stands first, and the key has no password";
            findings.push(finding.at(certificate.place.clone()).help(help));
            None
        }
    }
}

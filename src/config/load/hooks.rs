//! Makes hooks of what is written, with the secrets that stand in files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;

use crate::admin::hooks::{Action, Hook, Patience, Program, Secret, Template, Trust, Webhook};
use crate::base::finding::{Finding, Place};
use crate::config::settings::Probing;
use crate::config::shape::{File, HookEntry, HookKeys};
use crate::keys::source::Placed;

use super::authorities::MachineAuthorities;
use super::{admin, identity, secrets};

/// Reads the hooks; what keeps one from being one becomes a finding.
pub(super) fn read(file: &File, folder: &Path, findings: &mut Vec<Finding>) -> Vec<Hook> {
    let machine = MachineAuthorities::default();
    let may_run = file.probing.over(&Probing::default()).exec;
    let mut names = BTreeSet::new();
    let mut hooks = Vec::new();
    for entry in &file.hooks {
        let HookEntry { name, keys } = entry;
        if !names.insert(name.value.clone()) {
            let finding = Finding::error("hook", format!("there is another hook {}", name.value));
            findings.push(finding.at(name.place.clone()).help("a name tells them apart in logs and metrics"));
            continue;
        }
        let events = keys.events.as_ref().map_or_else(|| DEFAULT.to_vec(), |events| events.value.clone());
        let action = action(keys, may_run, folder, &machine, findings);
        let patience = Patience::default();
        hooks.extend(action.map(|action| Hook { name: name.value.clone(), events, action, patience }));
    }
    hooks
}

fn action(
    keys: &HookKeys,
    may_run: bool,
    folder: &Path,
    machine: &MachineAuthorities,
    findings: &mut Vec<Finding>,
) -> Option<Action> {
    let mut refuse = |message: &str, at: &Place, help: &str| {
        findings.push(Finding::error("hook", message).at(at.clone()).help(help));
    };
    match (&keys.url, &keys.program) {
        (Some(_), Some(program)) => {
            refuse("`url` and `program` exclude each other", &program.place, "make two hooks of it");
            None
        }
        (None, Some(program)) if !may_run => {
            let help = "set it, if that is meant: whoever may write this file could run anything as the server's user";
            refuse("programs are not run unless `exec = true` stands in [health]", &program.place, help);
            None
        }
        (None, Some(program)) => {
            let arguments = keys.arguments.as_ref().map(|list| list.value.clone()).unwrap_or_default();
            Some(Action::Run(Program { path: program.value.clone(), arguments }))
        }
        (Some(url), None) => {
            let content_type = keys.content_type.as_ref().map_or("application/json", |placed| &placed.value);
            let body = keys.body.as_ref().map(|body| {
                Template::parse(&body.value, content_type).map_err(|error| {
                    refuse(&format!("`body` is no template: {error}"), &body.place, "docs/hooks.md has examples");
                })
            });
            let mut secret =
                |path: &Option<Placed<PathBuf>>| path.as_ref().map(|path| read_secret(path, folder, findings));
            let (signs, token) = (secret(&keys.secret_file), secret(&keys.token_file));
            // Read here, not for each message: what cannot be read is a finding, and a reload reads anew.
            let trust = url.value.is_encrypted.then(|| {
                let roots = match &keys.ca_file {
                    Some(path) => read_roots(path, folder, findings)?,
                    None => machine.roots(&url.place, findings),
                };
                trust(roots, &url.place, findings)
            });
            Some(Action::Web(Box::new(Webhook {
                url: url.value.clone(),
                body: body.transpose().ok()?,
                content_type: content_type.to_owned(),
                secret: taken(signs)?,
                token: taken(token)?,
                trust: taken(trust)?,
            })))
        }
        (None, None) => None,
    }
}

/// Returns what was asked for and read; nothing if it was asked for and could not be read.
fn taken<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn read_secret(path: &Placed<PathBuf>, folder: &Path, findings: &mut Vec<Finding>) -> Option<Secret> {
    match secrets::read(&folder.join(&path.value)) {
        Ok((text, warning)) => {
            findings.extend(warning.map(|warning| warning.at(path.place.clone())));
            Some(Secret::new(text.into_bytes()))
        }
        Err(finding) => {
            findings.push(finding.at(path.place.clone()));
            None
        }
    }
}

fn read_roots(path: &Placed<PathBuf>, folder: &Path, findings: &mut Vec<Finding>) -> Option<Arc<RootCertStore>> {
    let (pem, _) = identity::read(path, folder, findings)?;
    let roots = admin::roots(&pem);
    if roots.is_none() {
        let message = format!("{} holds no certificate of a CA", folder.join(&path.value).display());
        findings.push(Finding::error("hook", message).at(path.place.clone()).help("it takes PEM"));
    }
    roots.map(Arc::new)
}

fn trust(roots: Arc<RootCertStore>, at: &Place, findings: &mut Vec<Finding>) -> Option<Trust> {
    match Trust::new(roots) {
        Ok(trust) => Some(trust),
        Err(error) => {
            findings.push(Finding::error("hook", format!("TLS: {error}")).at(at.clone()));
            None
        }
    }
}

/// What hooks are told of that do not say it: what a person should know.
const DEFAULT: [&str; 4] = ["decision", "isolated", "certificate", "reload-failed"];

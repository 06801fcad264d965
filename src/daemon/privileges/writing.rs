//! The folders that may be written, kept by Landlock: whatever the modes of files allow, nothing else changes.
//!
//! Reading is not limited. A reload may name files in any folder, and programs of checks read what they like: a server that
//! could not follow its config would be worse than one that may read what its user may.

use std::fmt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, path_beneath_rules,
};

use crate::config::Running;

/// The folders.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    /// Those of the server, those that the config adds, and those that every program may expect to write.
    folders: Vec<PathBuf>,
}

/// How far the kernel keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limited {
    /// All of it.
    Fully,
    /// It is an older one, which lets some changes pass (of the length of a file, for one).
    Partly,
    /// It has no Landlock, or it is turned off.
    Not,
}

impl Writing {
    /// Returns what a server of this config writes.
    pub(super) fn plan(running: &Running) -> Self {
        let state = running.state.folder.as_deref();
        let socket = running.server.admin_socket.as_ref().and_then(|socket| socket.path.parent());
        let own = state.into_iter().chain(socket.filter(|at| Some(*at) != state));
        let here = |folder: &Path| if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() };
        let added = running.server.writable_folders.iter().cloned();
        Self { folders: own.map(here).chain(added).chain(COMMON.iter().map(PathBuf::from)).collect() }
    }

    /// Limits this thread, and those that it will start. A folder that is not there is passed over.
    pub(super) fn apply(&self) -> Result<Limited, RulesetError> {
        let write = AccessFs::from_write(KNOWN);
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(write)?;
        let mut ruleset = ruleset.create()?.add_rules(path_beneath_rules(&self.folders, write))?;
        // Programs throw what they say away there, and terminals are written to.
        ruleset = ruleset.add_rules(path_beneath_rules(["/dev"], AccessFs::WriteFile | AccessFs::Truncate))?;
        let status = ruleset.restrict_self()?;
        Ok(match status.ruleset {
            RulesetStatus::FullyEnforced => Limited::Fully,
            RulesetStatus::PartiallyEnforced => Limited::Partly,
            RulesetStatus::NotEnforced => Limited::Not,
        })
    }
}

impl fmt::Display for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        f.write_str(&folders.join(" "))
    }
}

/// The newest version of Landlock whose rights are meant.
const KNOWN: ABI = ABI::V5;
/// Where programs put what they need for a moment.
const COMMON: [&str; 2] = ["/tmp", "/var/tmp"];

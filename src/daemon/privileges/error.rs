//! Why the process cannot give up its rights.

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::base::error::Chain;
use crate::base::finding::Finding;

/// Why the process cannot become the user that the config names.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The machine does not know the user.
    #[error("there is no user {0}")]
    NoUser(String),
    /// The machine does not know the group.
    #[error("there is no group {0}")]
    NoGroup(String),
    /// The accounts of the machine cannot be read.
    #[error("the account {name} cannot be looked up")]
    Lookup {
        /// The user or group.
        name: String,
        /// What the system said.
        source: Errno,
    },
    /// The user is root.
    #[error("{0} is root")]
    Root(String),
    /// Only root becomes somebody else.
    #[error("user {own} cannot become {name}")]
    NotRoot {
        /// Who should be become.
        name: String,
        /// The number of the one that runs it.
        own: u32,
    },
    /// A folder cannot be made for the user.
    #[error("the folder {} cannot be made for the user {user}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The user.
        user: String,
        /// What the system said.
        source: io::Error,
    },
    /// The state folder, or what is in it, belongs to somebody else.
    #[error("{} belongs to user {owner}, not to {user}", path.display())]
    Foreign {
        /// What it is.
        path: PathBuf,
        /// The state folder.
        folder: PathBuf,
        /// The number of its owner.
        owner: u32,
        /// The user.
        user: String,
    },
    /// The system refuses a step.
    #[error("{step} is refused")]
    Refused {
        /// The step.
        step: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Folders cannot be kept from being written.
    #[error("the folders that may be written cannot be limited")]
    Writing(#[from] landlock::RulesetError),
    /// The thread of the signals is gone.
    #[error("the thread that hears signals has ended")]
    NoThread,
    /// A thread was missed.
    #[error("a thread still has more rights: {0}")]
    Missed(String),
}

impl PrivilegeError {
    /// Returns what is wrong, and what would fix it.
    pub fn finding(&self) -> Finding {
        let finding = Finding::error("user", Chain(self).to_string());
        match self {
            Self::NoUser(user) => finding
                .help("make it, or name another one in `user` of [server]")
                .command(format!("useradd --system --home-dir / --shell /usr/sbin/nologin {user}")),
            Self::NoGroup(group) => finding
                .help("make it, or name another one in `group` of [server]")
                .command(format!("groupadd --system {group}")),
            Self::Root(_) => finding.help("name an account without rights, or leave `user` out to stay root"),
            Self::NotRoot { name, .. } => {
                finding.help(format!("start it as root or as {name}, or leave out `user` in [server]"))
            }
            Self::Folder { .. } => finding.help("make the folder, of that user, or name another one"),
            Self::Foreign { folder, user, .. } => finding
                .why("what is kept there could not be written once root is given up")
                .help("give the folder with all in it to that user")
                .command(format!("chown -R {user}: {}", folder.display())),
            Self::Lookup { .. } | Self::Refused { .. } | Self::Writing(_) | Self::NoThread | Self::Missed(_) => {
                finding.help("leave out `user` in [server], and let the service manager start it as that user")
            }
        }
    }
}

//! What the process gives up when its ports are bound, if `user` is set: the rights of root, and every way back to them.
//!
//! ```text
//!  ports bound ─▶ state folder made for the user ─▶ no new privileges, no capability to be had, writing in few folders
//!              ─▶ groups, group, user ─▶ no capabilities ─▶ looked at, thread by thread ─▶ the other threads start
//! ```
//!
//! Linux keeps most of this for each thread, and a thread starts with what its parent has. So it is done before the threads
//! that answer and test are started; the one that hears the signals is there before, and does the same.
//!
//! **Invariant:** the server does not run with `user` unless all of it has been done. Only the limit of writing may be
//! missing, where the kernel does not know it.

mod account;
mod error;
mod folders;
mod thread;
mod threads;
mod writing;

use tracing::{info, warn};

use crate::base::finding::Finding;
use crate::config::Running;

use super::background;
use super::findings::log_findings;
use super::read::Read;
use super::signals::Signals;

pub use error::PrivilegeError;

use account::Account;
use writing::Writing;

/// Becomes the user that the config names, and gives up all else; without one nothing changes, and root is warned of.
///
/// To be called when the ports are bound, and before any thread is started but the one of `signals`.
///
/// # Errors
/// If anything of it cannot be done: the server must not go on then.
pub fn give_up(running: &Running, signals: &Signals) -> Result<(), PrivilegeError> {
    let is_root = rustix::process::geteuid().is_root();
    let Some(user) = &running.server.user else {
        log_findings(is_root.then(root).as_slice());
        return Ok(());
    };
    let account = Account::find(user, running.server.group.as_deref())?;
    account.judge(is_root)?;
    folders::prepare(running, &account, is_root)?;
    let writing = Writing::plan(running);
    let limit = writing.clone();
    let close = move || thread::close(is_root).and_then(|()| Ok(limit.apply()?));
    signals.run_there(close.clone()).ok_or(PrivilegeError::NoThread)??;
    let limited = close()?;
    if is_root {
        account.become_it()?;
    }
    signals.run_there(thread::empty).ok_or(PrivilegeError::NoThread)??;
    thread::empty()?;
    threads::judge(&account)?;
    info!(
        user = account.name(),
        uid = account.uid(),
        gid = account.gid(),
        "running as another user, without capabilities"
    );
    match limited {
        writing::Limited::Fully => info!(folders = %writing, "writing in these folders only"),
        writing::Limited::Partly => {
            info!(folders = %writing, "writing in these folders only, as far as this kernel knows (Landlock)");
        }
        writing::Limited::Not => info!("no Landlock here: files are guarded by their modes alone"),
    }
    Ok(())
}

/// Reads everything once more, as the user that the process has become: what only root may read would have the next reload
/// refused, and is told now.
pub(super) async fn judge_reload(read: Read, user: String) {
    // One that is lost has told why.
    let Ok(Err(findings)) = background::work("reload-check", move || read.read().map(drop)).await else { return };
    log_findings(&findings);
    warn!(
        user,
        findings = findings.len(),
        "a reload would be refused: all files must be readable for the user of the server"
    );
}

fn root() -> Finding {
    Finding::warning("root", "running as root")
        .why("whoever found a bug in it would own the machine")
        .help("name an account in `user` of [server], such as \"understudy\": root then binds the ports and goes")
}

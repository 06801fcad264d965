//! Where a running server takes orders.

use std::path::{Path, PathBuf};

use crate::base::finding::Finding;
use crate::cli::args::Reach;
use crate::cli::input;
use crate::config;
use crate::daemon::kept_socket;
use crate::store;

use super::failed::Failed;

/// Finds the socket: as named; else as the running server has noted it in the state folder; else where the config and
/// the environment say; else that of the system's own service.
///
/// # Errors
/// If there is no socket in any of these places.
pub(super) fn socket(reach: &Reach) -> Result<PathBuf, Failed> {
    if let Some(socket) = &reach.socket {
        return Ok(socket.clone());
    }
    let own = config::own_server(input::state_choice(reach.state.state.as_ref()), &input::ProcessEnvironment);
    let running = own.state.as_deref().filter(|folder| store::in_use(folder));
    let noted = running.and_then(|folder| store::read(folder).ok()).and_then(|entries| kept_socket(&entries));
    if let Some(noted) = noted {
        return Ok(noted);
    }
    // A state folder that is named means one server: no other is asked in its stead.
    let system = reach.state.state.is_none().then(|| PathBuf::from(SYSTEM));
    let places: Vec<PathBuf> = own.admin_socket.into_iter().chain(system).collect();
    places.iter().find(|place| is_there(place)).cloned().ok_or_else(|| none_at(&places))
}

fn is_there(place: &Path) -> bool {
    place.symlink_metadata().is_ok()
}

fn none_at(places: &[PathBuf]) -> Failed {
    let tried: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    let message = match tried.as_slice() {
        [] => "nothing says where a server takes orders".to_owned(),
        tried => format!("no server takes orders: there is no {}", tried.join(" and no ")),
    };
    let finding = Finding::error("no-server", message);
    let help = "start one with `understudy serve`, or say where it takes orders with --socket or --state";
    Failed::no_server(finding.help(help))
}

/// The socket of the system's own service, which has a runtime folder that no environment names.
const SYSTEM: &str = "/run/understudy/admin.sock";

//! Where this server answers and takes orders, kept in the state folder: the commands of the operator ask there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::store::{Change, Entries};

/// Makes what is kept of the addresses.
pub(super) fn keep(addresses: &[SocketAddr]) -> Change {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Change { key: KEY.to_owned(), value: Some(serde_json::json!(texts).to_string().into_bytes()) }
}

/// Reads where the server answers, or answered, that uses a state folder.
pub fn kept_listeners(entries: &Entries) -> Vec<SocketAddr> {
    let texts: Option<Vec<String>> = entries.get(KEY).and_then(|value| serde_json::from_slice(value).ok());
    texts.unwrap_or_default().iter().filter_map(|text| text.parse().ok()).collect()
}

/// Makes what is kept of the API's socket; nothing: there is none.
pub(super) fn keep_socket(path: Option<&Path>) -> Change {
    let value = path.map(|path| serde_json::json!(path.display().to_string()).to_string().into_bytes());
    Change { key: SOCKET_KEY.to_owned(), value }
}

/// Reads where the server takes orders, or took them, that uses a state folder.
pub fn kept_socket(entries: &Entries) -> Option<PathBuf> {
    let text: Option<String> = entries.get(SOCKET_KEY).and_then(|value| serde_json::from_slice(value).ok());
    text.map(PathBuf::from)
}

/// Returns whether this module owns a key of the store.
pub(super) fn owns(key: &str) -> bool {
    key == KEY || key == SOCKET_KEY
}

/// The keys in the store.
const KEY: &str = "listeners";
const SOCKET_KEY: &str = "admin-socket";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let addresses = ["127.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
        let Change { key, value } = keep(&addresses);
        assert_eq!(kept_listeners(&[(key, value.unwrap())].into()), addresses);
        assert_eq!(kept_listeners(&Entries::new()), []);
        let Change { key, value } = keep_socket(Some(Path::new("/run/understudy/admin.sock")));
        assert!(owns(&key));
        assert_eq!(kept_socket(&[(key, value.unwrap())].into()), Some("/run/understudy/admin.sock".into()));
        assert_eq!(keep_socket(None).value, None);
    }
}

//! Where this server answers, kept in the state folder: `understudy ready` asks there.

use std::net::SocketAddr;

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

/// The key in the store.
pub(super) const KEY: &str = "listeners";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read() {
        let addresses = ["127.0.0.1:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
        let Change { key, value } = keep(&addresses);
        assert_eq!(kept_listeners(&[(key, value.unwrap())].into()), addresses);
        assert_eq!(kept_listeners(&Entries::new()), []);
    }
}

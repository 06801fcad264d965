//! Reads octets as a state journal: what is intact is kept, and a second look sees the same.

use std::path::PathBuf;

use understudy::store::{Change, Store, read};

pub(crate) fn run(octets: &[u8]) {
    let folder: PathBuf = std::env::temp_dir().join(format!("understudy-fuzz-{}.state", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).expect("the temporary folder takes a folder");
    std::fs::write(folder.join("state.journal"), octets).expect("it takes a file");
    // What is no journal at all cannot be read, and is set aside when the store is opened.
    let seen = read(&folder).unwrap_or_default();
    let mut store = Store::open(&folder).expect("any octets can be opened");
    assert_eq!(store.entries(), &seen);
    let change = Change { key: "order/1".into(), value: Some(b"1".to_vec()) };
    store.write(vec![change]).expect("the disk takes a line");
    let entries = store.entries().clone();
    drop(store);
    assert_eq!(read(&folder).expect("what was written can be read"), entries);
    std::fs::remove_dir_all(&folder).ok();
}

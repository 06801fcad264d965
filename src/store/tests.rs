use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::base::clock::Clock;

#[test]
fn what_was_written_is_there_after_opening_anew() {
    let dir = Scratch::new();
    write_all(&mut Store::open(&dir.0).unwrap(), &history());
    assert_eq!(Store::open(&dir.0).unwrap().entries(), &replay(&history()));
    assert_eq!(read(&dir.0).unwrap(), replay(&history()));
}

/// What the system says of a full or read-only disk; that a server goes on is shown by `tests/interop_isolation/disk.rs`.
#[test]
fn what_a_disk_refuses_is_told_with_what_helps() {
    for (errno, refuses, help) in [
        (28, true, "make room"),
        (30, true, "mount it so that it can be written"),
        (122, true, "raise the quota"),
        (13, false, "chown"),
        (2, false, "chown"),
    ] {
        let source = std::io::Error::from_raw_os_error(errno);
        let error = OpenError::Write { dir: "state".into(), uid: Some(7), source };
        assert_eq!(error.is_refusal(), refuses, "{errno}");
        let said = error.finding().help.unwrap();
        assert!(said.contains(help) && said.contains("--state DIR"), "{errno}: {said}");
        assert_eq!(said.contains("chown"), !refuses, "{errno}: {said}");
    }
}

#[test]
fn a_journal_cut_at_any_octet_holds_a_beginning_of_the_history() {
    let dir = Scratch::new();
    let whole = journal_of(&dir);
    let beginnings: Vec<Entries> = (0..=history().len()).map(|count| replay(&history()[..count])).collect();
    let mut reached = 0;
    for length in 0..=whole.len() {
        fs::write(dir.journal(), &whole[..length]).unwrap();
        let opened = Store::open(&dir.0).unwrap().entries().clone();
        let holds = (reached..beginnings.len()).find(|&count| beginnings[count] == opened);
        reached = holds.unwrap_or_else(|| panic!("no beginning of the history at {length}: {opened:?}"));
        assert_eq!(read(&dir.0).unwrap(), opened, "fixed at {length}");
    }
    assert_eq!(beginnings[reached], replay(&history()));
    assert!(!dir.0.join("state.journal.corrupt").exists(), "a torn line is no damage");
}

#[test]
fn a_journal_cut_and_appended_to_loses_nothing_new() {
    let dir = Scratch::new();
    let whole = journal_of(&dir);
    for length in 0..whole.len() {
        fs::write(dir.journal(), &whole[..length]).unwrap();
        write_all(&mut Store::open(&dir.0).unwrap(), &[set("new", b"true")]);
        assert_eq!(read(&dir.0).unwrap().get("new").map(Vec::as_slice), Some(b"true".as_slice()), "cut at {length}");
    }
}

#[test]
fn a_flipped_bit_costs_at_most_the_lines_beside_it() {
    let dir = Scratch::new();
    let whole = journal_of(&dir);
    let changes = line::decode(&whole).changes;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            let decoded = line::decode(&damaged);
            let lost = changes.len() - decoded.changes.len();
            assert!(lost <= 2, "bit {bit} of octet {at} lost {lost} lines");
            let mut all = changes.iter();
            assert!(decoded.changes.iter().all(|kept| all.any(|change| change == kept)), "nothing is made up");
            assert!(decoded.damaged > 0 || decoded.torn || !decoded.clean, "bit {bit} of octet {at} goes unseen");
        }
    }
}

#[test]
fn damage_is_set_aside_under_ten_names_and_intact_lines_are_kept() {
    let dir = Scratch::new();
    let mut damaged = journal_of(&dir);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for round in 0..12 {
        fs::write(dir.journal(), &damaged).unwrap();
        let kept = line::replay(line::decode(&damaged).changes);
        assert_eq!(Store::open(&dir.0).unwrap().entries(), &kept);
        assert_eq!(Store::open(&dir.0).unwrap().entries(), &kept, "fixed, so not set aside again");
        let aside = fs::read_dir(&dir.0)
            .unwrap()
            .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().contains(".corrupt")));
        assert_eq!(aside.count(), (round + 1).min(folder::MAX_ASIDE));
    }
    assert_eq!(fs::read(dir.0.join("state.journal.corrupt")).unwrap(), damaged);
}

#[test]
fn a_foreign_file_is_set_aside() {
    let dir = Scratch::new();
    fs::write(dir.journal(), b"\x7fELF\0\0").unwrap();
    assert!(Store::open(&dir.0).unwrap().entries().is_empty());
    assert_eq!(fs::read(dir.0.join("state.journal.corrupt")).unwrap(), b"\x7fELF\0\0");
}

#[test]
fn a_long_history_is_compacted_and_keeps_all() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    for round in 0u32..400 {
        let value = format!("\"{}\"", "x".repeat(900));
        store.write(vec![set(&format!("key/{}", round % 7), value.as_bytes()), set("round", &number(round))]).unwrap();
        let size = fs::metadata(dir.journal()).unwrap().len();
        assert!(size <= u64::try_from(2 * 8 * 1_000 + journal::FLOOR).unwrap(), "{size} octets in round {round}");
    }
    let live = store.entries().clone();
    drop(store);
    assert_eq!(live.len(), 8);
    assert_eq!(Store::open(&dir.0).unwrap().entries(), &live);
}

#[test]
fn a_second_server_is_told_who_holds_the_folder() {
    let dir = Scratch::new();
    let first = Store::open(&dir.0).unwrap();
    let finding = Store::open(&dir.0).unwrap_err().finding();
    let text = format!("is used by another server, process {}", std::process::id());
    assert!(finding.message.ends_with(&text), "{finding}");
    assert!(finding.help.unwrap().contains("--state none"));
    drop(first);
    assert!(Store::open(&dir.0).is_ok());
}

#[test]
fn a_folder_that_cannot_be_made_names_the_mend() {
    let finding = Store::open("/proc/understudy".as_ref()).unwrap_err().finding();
    assert!(finding.message.starts_with("cannot make the state folder /proc/understudy: "), "{finding}");
    assert!(finding.help.unwrap().starts_with("make it with `install -d -o "));
}

#[test]
fn folder_and_files_are_for_their_owner_alone() {
    let dir = Scratch::new();
    let inner = dir.0.join("state");
    fs::remove_dir_all(&inner).ok();
    let mut store = Store::open(&inner).unwrap();
    write_all(&mut store, &history());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for name in ["state.journal", "state.lock"] {
        assert_eq!(mode(&inner.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_folder_in_which_others_may_write_or_that_is_theirs_is_refused() {
    let dir = Scratch::new();
    drop(Store::open(&dir.0).unwrap());
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        fs::set_permissions(&dir.0, fs::Permissions::from_mode(mode)).unwrap();
        let finding = Store::open(&dir.0).unwrap_err().finding();
        assert!(finding.message.contains("can be written by others"), "{mode:o}: {finding}");
        assert!(finding.help.unwrap().contains("chmod go-w"), "{mode:o}");
    }
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o755)).unwrap();
    drop(Store::open(&dir.0).unwrap());
    // Only root may give a folder away.
    if std::os::unix::fs::chown(&dir.0, Some(65_534), None).is_ok() {
        let finding = Store::open(&dir.0).unwrap_err().finding();
        assert!(finding.message.contains("belongs to user 65534"), "{finding}");
        std::os::unix::fs::chown(&dir.0, Some(0), None).unwrap();
    }
}

#[test]
fn nothing_is_read_or_written_through_a_link() {
    for name in ["state.journal", "state.lock", "state.journal.new"] {
        let (dir, other) = (Scratch::new(), Scratch::new());
        let victim = other.0.join("victim");
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, dir.0.join(name)).unwrap();
        if let Ok(mut store) = Store::open(&dir.0) {
            store.write(history()).ok();
            store.repair().ok();
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}");
    }
    // A copy of a damaged journal does not follow one either.
    let (dir, other) = (Scratch::new(), Scratch::new());
    let victim = other.0.join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::write(dir.journal(), b"\x7fELF\0\0").unwrap();
    std::os::unix::fs::symlink(other.0.join("absent"), dir.0.join("state.journal.corrupt")).unwrap();
    drop(Store::open(&dir.0).unwrap());
    assert!(!other.0.join("absent").exists(), "a dangling link is no free name");
}

#[test]
fn a_failed_write_is_made_good_later() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    store.write(vec![set("a", b"1")]).unwrap();
    // The journal's name is taken by a folder, and a change so long that the journal must be compacted.
    fs::remove_file(dir.journal()).unwrap();
    fs::create_dir(dir.journal()).unwrap();
    let long = vec![b'x'; 2 * journal::FLOOR];
    assert!(store.write(vec![set("long", &long)]).is_err());
    assert!(store.is_behind() && store.repair().is_err());
    fs::remove_dir(dir.journal()).unwrap();
    store.repair().unwrap();
    assert!(!store.is_behind());
    assert_eq!(read(&dir.0).unwrap(), replay(&[set("a", b"1"), set("long", &long)]));
}

#[test]
fn a_value_too_long_is_refused_and_the_rest_goes_on() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    let refused = store.write(vec![set("big", &vec![0; MAX_VALUE + 1])]);
    assert!(matches!(refused, Err(WriteError::TooLong { octets, .. }) if octets == MAX_VALUE + 4));
    store.write(vec![set("small", b"1")]).unwrap();
    assert_eq!(store.entries().len(), 1);
}

#[tokio::test]
async fn the_task_acknowledges_what_is_on_disk_and_ends_with_its_senders() {
    let dir = Scratch::new();
    let (sender, inbox) = mpsc::channel(QUEUE);
    let asks = async {
        let (done, answer) = oneshot::channel();
        sender.send(Persist::Change(set("a", b"1"))).await.unwrap();
        sender.send(Persist::Sync(done)).await.unwrap();
        answer.await.unwrap().unwrap();
        assert_eq!(read(&dir.0).unwrap(), replay(&[set("a", b"1")]));
        for round in 0..2_000 {
            sender.send(Persist::Change(set("n", &number(round)))).await.unwrap();
        }
        drop(sender);
    };
    tokio::join!(run(Store::open(&dir.0).unwrap(), inbox, Metrics::default()), asks);
    assert_eq!(read(&dir.0).unwrap(), replay(&[set("a", b"1"), set("n", b"1999")]));
}

#[tokio::test]
async fn the_task_tells_who_waits_that_the_disk_refuses() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    // Nothing can be renamed over a folder with something in it, so compacting fails.
    fs::remove_file(dir.journal()).unwrap();
    fs::create_dir_all(dir.journal().join("x")).unwrap();
    drop(store.write(vec![set("a", b"1")]));
    let behind = store.is_behind() || store.write(vec![set("long", &vec![b'7'; 1 << 20])]).is_err();
    let (sender, inbox) = mpsc::channel(QUEUE);
    let (done, answer) = oneshot::channel();
    sender.send(Persist::Sync(done)).await.unwrap();
    drop(sender);
    run(store, inbox, Metrics::default()).await;
    assert_eq!((behind, answer.await.unwrap().is_err()), (true, true));
}

/// The time is that of the runtime, which stands still while the disk is busy.
#[tokio::test(start_paused = true)]
async fn a_disk_that_refuses_is_asked_again_after_a_while_though_nothing_else_comes() {
    let dir = Scratch::new();
    let mut store = Store::open(&dir.0).unwrap();
    fs::remove_file(dir.journal()).unwrap();
    fs::create_dir_all(dir.journal().join("x")).unwrap();
    assert!(store.write(vec![set("long", &vec![b'7'; 2 * journal::FLOOR])]).is_err() && store.is_behind());
    let (clock, before) = (Clock::start(), Clock::start().now().mono);
    let (sender, inbox) = mpsc::channel(QUEUE);
    let mends = async {
        // Twice it refuses; then it takes what it was given at first.
        tokio::time::sleep(task::RETRY * 5 / 2).await;
        assert!(read(&dir.0).is_err());
        fs::remove_dir_all(dir.journal()).unwrap();
        while read(&dir.0).unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(sender);
        clock.now().mono.since(before)
    };
    let ((), passed) = tokio::join!(run(store, inbox, Metrics::default()), mends);
    assert!((task::RETRY * 3..task::RETRY * 3 + Duration::from_millis(50)).contains(&passed), "{passed:?}");
}

#[tokio::test]
async fn a_store_that_keeps_nothing_acknowledges_all() {
    let (sender, inbox) = mpsc::channel(2);
    let (done, answer) = oneshot::channel();
    sender.send(Persist::Change(set("a", b"1"))).await.unwrap();
    sender.send(Persist::Sync(done)).await.unwrap();
    drop(sender);
    run(Store::none(), inbox, Metrics::default()).await;
    assert!(answer.await.unwrap().is_ok());
    assert!(Store::none().entries().is_empty());
}

#[test]
fn no_folder_is_no_entries() {
    assert!(read("/proc/understudy".as_ref()).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_map_over_any_history(
        batches in prop::collection::vec((prop::collection::vec(("[a-c]|.{0,3}", prop::option::of(value())), 0..5), any::<bool>()), 0..20),
    ) {
        let dir = Scratch::new();
        let mut store = Store::open(&dir.0).unwrap();
        let mut model = Entries::new();
        for (batch, reopen) in batches {
            for (key, value) in &batch {
                match value {
                    Some(value) => drop(model.insert(key.clone(), value.clone())),
                    None => drop(model.remove(key)),
                }
            }
            store.write(batch.into_iter().map(|(key, value)| Change { key, value }).collect()).unwrap();
            if reopen {
                drop(store);
                store = Store::open(&dir.0).unwrap();
            }
            prop_assert_eq!(store.entries(), &model);
            prop_assert_eq!(&read(&dir.0).unwrap(), &model);
        }
    }

    #[test]
    fn any_bytes_hold_no_change(bytes in prop::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let mut file = if header { line::HEADER.to_vec() } else { Vec::new() };
        file.extend(bytes);
        let decoded = line::decode(&file);
        prop_assert!(decoded.changes.is_empty());
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        ".{0,9}".prop_map(|text| serde_json::json!({ "text": text, "n": [1, null] }).to_string().into_bytes()),
        (0..80_000usize).prop_map(|length| vec![b'7'; length]),
    ]
}

/// A history with removals, overwritten keys, JSON and other bytes.
fn history() -> Vec<Change> {
    vec![
        set("order/1", br#"{"drain":"sip-node1.example.com.","reason":"kernel"}"#),
        set("serial/example.com.", b"2026112101"),
        set("health/192.0.2.1:5060", b"\x00\xff\n"),
        set("order/1", br#"{"up":"sip-node1.example.com."}"#),
        Change { key: "serial/example.com.".into(), value: None },
        set("memory/ä", b"\"line\\nline\""),
        set("last-good/x", b""),
    ]
}

fn set(key: &str, value: &[u8]) -> Change {
    Change { key: key.into(), value: Some(value.into()) }
}

fn number(value: u32) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn replay(changes: &[Change]) -> Entries {
    line::replay(changes.to_vec())
}

fn write_all(store: &mut Store, changes: &[Change]) {
    for change in changes {
        store.write(vec![change.clone()]).unwrap();
    }
}

fn journal_of(dir: &Scratch) -> Vec<u8> {
    write_all(&mut Store::open(&dir.0).unwrap(), &history());
    fs::read(dir.journal()).unwrap()
}

/// A folder of its own for one test, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("understudy-store-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn journal(&self) -> PathBuf {
        self.0.join(folder::JOURNAL)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

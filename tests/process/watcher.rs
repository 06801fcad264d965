//! A resolver that asks without pause and allows no wrong answer at any moment.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::{Answer, SIP, ask_within, query, send_tcp};
use crate::server::{SOON, eventually};

/// Asks until it is finished.
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    allowed: Mutex<Vec<Vec<String>>>,
    wrong: Mutex<Vec<String>>,
    stop: AtomicBool,
    asked: AtomicU64,
}

impl Watcher {
    /// Begins to ask; until told otherwise every living set is allowed.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            allowed: Mutex::default(),
            wrong: Mutex::default(),
            stop: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        });
        let mine = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while !mine.stop.load(Ordering::SeqCst) {
                let number = mine.asked.fetch_add(1, Ordering::SeqCst);
                let timeout = SOON;
                let answer = if number % 16 == 15 {
                    send_tcp(server, &query(SIP), timeout).map(|octets| Answer::read(&octets))
                } else {
                    ask_within(server, SIP, timeout)
                };
                mine.judge(answer.as_ref());
                std::thread::park_timeout(Duration::from_millis(2));
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// From now on only these sets are right.
    pub(crate) fn allow(&self, sets: &[&[&str]]) {
        let sets = sets.iter().map(|set| set.iter().map(|&record| record.to_owned()).collect());
        *self.shared.allowed.lock().unwrap() = sets.collect();
    }

    /// From now on only this set is right, which is already served: answers to earlier questions have come in before.
    pub(crate) fn settle(&self, set: &[&str]) {
        self.asks(2);
        self.allow(&[set]);
    }

    /// Waits until so many more questions were asked.
    pub(crate) fn asks(&self, more: u64) {
        let begin = self.shared.asked.load(Ordering::SeqCst);
        eventually("questions", || (self.shared.asked.load(Ordering::SeqCst) >= begin + more).then_some(()));
    }

    /// Ends; fails the test if any answer was wrong.
    pub(crate) fn finish(mut self) -> u64 {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
        let wrong = self.shared.wrong.lock().unwrap();
        let asked = self.shared.asked.load(Ordering::SeqCst);
        assert!(wrong.is_empty(), "{} wrong of {asked}, first {:#?}", wrong.len(), wrong.first());
        asked
    }
}

impl Shared {
    fn judge(&self, answer: Option<&Answer>) {
        // Taken after the answer: what was widened meanwhile counts for it too. Narrow only when all is settled.
        let allowed = self.allowed.lock().unwrap();
        let right = answer.is_some_and(|answer| {
            let known = allowed.is_empty() || allowed.contains(&answer.records);
            let records = !answer.records.is_empty() && known;
            records && answer.is(&answer.records.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let ttl = answer.and_then(|answer| answer.ttl).is_some_and(|ttl| (1..=30).contains(&ttl));
        if !right || !ttl {
            self.wrong.lock().unwrap().push(format!("{answer:?} is none of {allowed:?}"));
        }
    }
}

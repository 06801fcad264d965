//! Timers: at most one deadline for each key, the earliest first.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Mono;

/// At most one point for each key; of keys with the same point the least comes first.
///
/// ```
/// use understudy::base::clock::Mono;
/// use understudy::base::timers::Timers;
///
/// let mut timers = Timers::default();
/// timers.set("probe", Some(Mono::START));
/// assert_eq!(timers.take_due(Mono::START), Some((Mono::START, "probe")));
/// assert_eq!(timers.next(), None);
/// ```
#[derive(Clone, Debug)]
pub struct Timers<K> {
    by_time: BTreeSet<(Mono, K)>,
    by_key: BTreeMap<K, Mono>,
}

impl<K: Clone + Ord> Timers<K> {
    /// Makes it without any point.
    pub const fn new() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }

    /// Sets the point of a key in place of the one it had, or takes it away.
    pub fn set(&mut self, key: K, at: Option<Mono>) {
        let before = match at {
            Some(at) => self.by_key.insert(key.clone(), at),
            None => self.by_key.remove(&key),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            // The set finds an entry by its value: the key is moved there and back.
            let entry = (before, key);
            self.by_time.remove(&entry);
            self.by_time.extend(at.map(|at| (at, entry.1)));
        } else {
            self.by_time.extend(at.map(|at| (at, key)));
        }
    }

    /// Takes out the first key that is due, with its point.
    pub fn take_due(&mut self, now: Mono) -> Option<(Mono, K)> {
        self.next().filter(|at| *at <= now)?;
        let (at, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some((at, key))
    }

    /// Makes due at `at` whatever was due later.
    pub fn advance(&mut self, at: Mono) {
        let later: Vec<K> = self.by_key.iter().filter(|(_, point)| **point > at).map(|(key, _)| key.clone()).collect();
        later.into_iter().for_each(|key| self.set(key, Some(at)));
    }

    /// Keeps the keys for which that is said.
    pub fn retain(&mut self, stays: impl Fn(&K) -> bool) {
        self.by_time.retain(|(_, key)| stays(key));
        self.by_key.retain(|key, _| stays(key));
    }

    /// Takes all points away.
    pub fn clear(&mut self) {
        self.by_time.clear();
        self.by_key.clear();
    }

    /// Returns the first point and its key.
    pub fn first(&self) -> Option<(Mono, &K)> {
        self.by_time.first().map(|(at, key)| (*at, key))
    }

    /// Returns the first point.
    pub fn next(&self) -> Option<Mono> {
        self.first().map(|(at, _)| at)
    }

    /// Returns the point of a key.
    pub fn at(&self, key: &K) -> Option<Mono> {
        self.by_key.get(key).copied()
    }
}

impl<K: Clone + Ord> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(secs: u64) -> Mono {
        Mono::START + Duration::from_secs(secs)
    }

    #[test]
    fn a_key_is_due_once_at_its_last_point() {
        let mut timers = Timers::new();
        timers.set("a", Some(at(5)));
        timers.set("a", Some(at(9)));
        timers.set("b", Some(at(7)));
        timers.set("c", Some(at(6)));
        timers.set("c", None);
        assert_eq!((timers.next(), timers.at(&"a"), timers.at(&"c")), (Some(at(7)), Some(at(9)), None));
        let due = [8, 8, 9, 9].map(|secs| timers.take_due(at(secs)));
        assert_eq!(due, [Some((at(7), "b")), None, Some((at(9), "a")), None]);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn at_one_point_the_least_key_comes_first() {
        let mut timers = Timers::new();
        for key in [3, 1, 2] {
            timers.set(key, Some(at(4)));
        }
        assert_eq!([(); 3].map(|()| timers.take_due(at(4)).unwrap().1), [1, 2, 3]);
    }

    #[test]
    fn what_is_later_is_brought_forward_and_what_does_not_stay_is_gone() {
        let mut timers = Timers::new();
        for (key, secs) in [("a", 1), ("b", 5), ("c", 9)] {
            timers.set(key, Some(at(secs)));
        }
        timers.advance(at(5));
        assert_eq!(["a", "b", "c"].map(|key| timers.at(&key)), [Some(at(1)), Some(at(5)), Some(at(5))]);
        timers.retain(|key| *key == "c");
        assert_eq!((timers.first(), timers.at(&"a")), (Some((at(5), &"c")), None));
        timers.clear();
        assert_eq!((timers.next(), timers.at(&"c")), (None, None));
    }
}

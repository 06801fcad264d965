//! Settings that change while listeners are open: read once for each batch of packets, swapped as a whole.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::cookie::Secrets;
use super::settings::Settings;

/// A shared value; clones read and set the same.
#[derive(Debug)]
pub struct Live<T>(Arc<ArcSwap<T>>);

/// All that answers depend on beside the snapshot, in one value, so that one load gives all of it.
#[derive(Clone, Debug)]
pub struct State {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The secrets of cookies.
    pub secrets: Arc<Secrets>,
    /// Whether queries are answered.
    pub status: Arc<Status>,
}

/// Whether queries are answered, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether queries are answered; if not, silence sends clients to another server.
    pub answering: bool,
    /// Why the server is not ready; nothing if it is. It can answer and yet be not ready: a broken zone.
    pub fault: Option<String>,
    /// Why the server must be restarted; nothing as long as it is live.
    pub dead: Option<String>,
    /// What is wrong though the server is ready: a zone among others, targets that cannot be tested.
    pub remark: Option<String>,
}

/// One part of the [`State`], to be read and replaced by itself; clones are the same part.
#[derive(Debug)]
pub struct Part<T> {
    state: Live<State>,
    part: fn(&mut State) -> &mut Arc<T>,
}

impl<T> Live<T> {
    /// Begins with a value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// Reads the value; hold it for one batch of packets only.
    pub fn load(&self) -> Guard<Arc<T>> {
        self.0.load()
    }

    /// Puts another value in its place.
    pub fn set(&self, value: T) {
        self.0.store(Arc::new(value));
    }
}

impl Live<State> {
    /// Changes parts of the state; of changes at the same time none is lost.
    fn change(&self, change: impl Fn(&mut State)) {
        self.0.rcu(|state| {
            let mut next = State::clone(state);
            change(&mut next);
            next
        });
    }

    /// Returns the settings as a part.
    pub(super) fn settings(&self) -> Part<Settings> {
        Part { state: self.clone(), part: |state| &mut state.settings }
    }

    /// Returns the secrets of cookies as a part.
    pub(super) fn secrets(&self) -> Part<Secrets> {
        Part { state: self.clone(), part: |state| &mut state.secrets }
    }

    /// Returns the status as a part.
    pub(super) fn status(&self) -> Part<Status> {
        Part { state: self.clone(), part: |state| &mut state.status }
    }
}

impl<T> Part<T> {
    /// Reads the part.
    pub fn load(&self) -> Arc<T> {
        let mut state = State::clone(&self.state.load());
        Arc::clone((self.part)(&mut state))
    }

    /// Puts another value in its place; the other parts stay.
    pub fn set(&self, value: T) {
        let value = Arc::new(value);
        self.state.change(|state| *(self.part)(state) = Arc::clone(&value));
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), part: self.part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_set_at_the_same_time_and_none_is_lost() {
        let status = Status::default();
        let (settings, secrets) = (Arc::new(Settings::default()), Arc::new(Secrets::new([1; 16])));
        let state = Live::new(State { settings, secrets, status: Arc::new(status) });
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (1..=1000).for_each(|size| state.settings().set(Settings { udp_size: size, ..Settings::default() }));
            });
            scope.spawn(|| {
                (1..=1000)
                    .for_each(|number| state.status().set(Status { answering: number == 1000, ..Status::default() }));
            });
        });
        assert_eq!((state.settings().load().udp_size, state.status().load().answering), (1000, true));
    }
}

//! What a slot held before, as long as caches may hold it.

use std::sync::Arc;

use crate::base::clock::UnixTime;
use crate::snapshot::Served;

/// What a slot held before, as long as caches may hold it.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Formers {
    pub(super) last: Vec<Arc<Served>>,
    /// Until when those may be cached that are not among them.
    pub(super) others_until: UnixTime,
}

impl Formers {
    /// Takes in what leaves a slot, and forgets what no cache holds.
    pub(super) fn add(&mut self, former: Arc<Served>, wall: UnixTime) {
        self.last.retain(|served| served.cached_until() > wall);
        if self.last.len() >= MOST {
            self.others_until = self.others_until.max(self.last.remove(0).cached_until());
        }
        self.last.push(former);
    }
}

/// How many former values of a slot are told apart.
const MOST: usize = 64;

//! What a reload changes under open doors: read by each packet, swapped as a whole.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

/// A shared value; clones read and set the same.
#[derive(Debug)]
pub struct Live<T>(Arc<ArcSwap<T>>);

impl<T> Live<T> {
    /// Begins with a value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// Reads the value; hold it for one packet only.
    pub fn load(&self) -> Guard<Arc<T>> {
        self.0.load()
    }

    /// Puts another value in its place.
    pub fn set(&self, value: T) {
        self.0.store(Arc::new(value));
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

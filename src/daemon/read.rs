//! How config and zones are reloaded; the caller that starts the daemon gives their paths.

use std::fmt;
use std::sync::Arc;

use crate::base::finding::Finding;
use crate::config::Running;

/// How config and zones are read anew.
#[derive(Clone)]
pub struct Read(Arc<dyn Fn() -> Result<Running, Vec<Finding>> + Send + Sync>);

impl Read {
    /// Wraps the function that reads.
    pub fn new(read: impl Fn() -> Result<Running, Vec<Finding>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads.
    ///
    /// # Errors
    /// All findings that keep it from being used.
    pub fn read(&self) -> Result<Running, Vec<Finding>> {
        (self.0)()
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Read")
    }
}

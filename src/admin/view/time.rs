//! Lengths of time as whole milliseconds.

use std::time::Duration;

/// Whole milliseconds of a length of time.
pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

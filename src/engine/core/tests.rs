//! The core, looked at from within.

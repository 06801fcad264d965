//! The exit codes of all commands; 0 is success.

/// Exit code: findings, or a probe that failed.
pub const FINDINGS: u8 = 1;
/// Exit code: wrong use or unreadable input.
pub const USAGE: u8 = 2;
/// Exit code: could not start.
pub const START: u8 = 3;
/// Exit code: refused by a running server.
pub const REFUSED: u8 = 4;

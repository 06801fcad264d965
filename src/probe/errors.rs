//! What an error of the system means: the far side said no, nothing was heard, or the fault is our own.
//!
//! | error | outcome |
//! |---|---|
//! | refused (RST, or ICMP port unreachable), reset, aborted, broken pipe, end of stream | fail, conclusive |
//! | data that are no TLS any more (rustls gives them this form) | fail, conclusive |
//! | time-out, host unreachable; net unreachable or prohibited, told by the network | fail, silent |
//! | net unreachable or not permitted, told at once by our own kernel | unknown: no route, or a local rule |
//! | an alert or a broken record within TLS, after the handshake | fail, conclusive |
//! | all else: no descriptors, no memory, no local port, … | unknown |

use std::io::{Error, ErrorKind};

use super::attempt::{conclusive, silent, unknown};
pub(super) use super::report::NOBODY;
use crate::health::Outcome;

/// Where an error comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorOrigin {
    /// Our own kernel, before anything was sent.
    Local,
    /// The network or the far side.
    Remote,
}

/// Returns the class of an error of a socket.
pub(super) fn classify(error: &Error, told: ErrorOrigin) -> Outcome {
    match (error.kind(), told) {
        (ErrorKind::ConnectionRefused, _) => conclusive(NOBODY),
        (ErrorKind::ConnectionReset, _) => conclusive("connection reset"),
        (ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::NotConnected, _) => {
            conclusive("connection broken off")
        }
        (ErrorKind::UnexpectedEof, _) => conclusive("closed by the far side"),
        (ErrorKind::TimedOut, _) => silent("timed out"),
        (ErrorKind::HostUnreachable, _) => silent("host unreachable"),
        (ErrorKind::NetworkUnreachable, ErrorOrigin::Remote) => silent("network unreachable"),
        // ICMPv6 "administratively prohibited" (RFC 4443 §3.1, code 1): somebody on the way, not the target.
        (ErrorKind::PermissionDenied, ErrorOrigin::Remote) => silent("prohibited on the way"),
        // From TLS: with TLS 1.3 a server may refuse us only after its part of the handshake (RFC 8446 §4.4.2.4).
        (ErrorKind::InvalidData, _) => conclusive(format!("TLS broke: {error}")),
        (ErrorKind::NetworkUnreachable, ErrorOrigin::Local) => unknown(format!("no route: {error}")),
        (ErrorKind::PermissionDenied, ErrorOrigin::Local) => unknown(format!("not permitted on this machine: {error}")),
        _ => unknown(format!("fault of the checker: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::report::outcome_name;

    #[cfg(target_os = "linux")]
    #[test]
    fn own_errors_are_unknown_and_only_the_far_side_marks_down() {
        // errno(3) of Linux: EPERM 1, ENOMEM 12, EACCES 13, ENFILE 23, EMFILE 24, EADDRNOTAVAIL 99, ENETUNREACH 101,
        // ECONNABORTED 103, ECONNRESET 104, ENOBUFS 105, ETIMEDOUT 110, ECONNREFUSED 111, EHOSTUNREACH 113.
        for (errno, at_once, later) in [
            (1, "unknown", "silent"),
            (12, "unknown", "unknown"),
            (13, "unknown", "silent"),
            (23, "unknown", "unknown"),
            (24, "unknown", "unknown"),
            (99, "unknown", "unknown"),
            (101, "unknown", "silent"),
            (103, "fail", "fail"),
            (104, "fail", "fail"),
            (105, "unknown", "unknown"),
            (110, "silent", "silent"),
            (111, "fail", "fail"),
            (113, "silent", "silent"),
        ] {
            let error = Error::from_raw_os_error(errno);
            assert_eq!(outcome_name(&classify(&error, ErrorOrigin::Local)), at_once, "{error} at once");
            assert_eq!(outcome_name(&classify(&error, ErrorOrigin::Remote)), later, "{error} later");
        }
    }
}

//! Classifies system errors: the peer refused, there was no answer, or the fault is local.
//!
//! | error | outcome |
//! |---|---|
//! | refused (RST, or ICMP port unreachable), reset, aborted, broken pipe, end of stream | fail, conclusive |
//! | data that are no TLS any more (rustls gives them this form) | fail, conclusive |
//! | more was sent than is read ([`LIMIT_REACHED`]) | fail, conclusive |
//! | time-out; host or net unreachable, or prohibited, told by the network | fail, silent |
//! | the same told at once by our own kernel; EPERM at any time, which no ICMP message becomes | unknown: no route, or a local rule |
//! | a refusal that comes only when TCP asks again ([`classify_refusal`]) | fail, silent |
//! | an alert or a broken record within TLS, after the handshake | fail, conclusive |
//! | all else: no descriptors, no memory, no local port, … | unknown |

use std::io::{Error, ErrorKind};
use std::time::Duration;

use rustix::io::Errno;

use super::attempt::{conclusive, silent, unknown};
use super::bounded::LIMIT_REACHED;
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
        (LIMIT_REACHED, _) => conclusive(error.to_string()),
        (ErrorKind::TimedOut, _) => silent("timed out"),
        (ErrorKind::HostUnreachable, ErrorOrigin::Remote) => silent("host unreachable"),
        (ErrorKind::NetworkUnreachable, ErrorOrigin::Remote) => silent("network unreachable"),
        // A rule for what goes out: the errors that ICMP makes are EACCES, EHOSTUNREACH and the like.
        (ErrorKind::PermissionDenied, _) if error.raw_os_error() == Some(Errno::PERM.raw_os_error()) => {
            unknown("not permitted on this machine")
        }
        // ICMPv6 "administratively prohibited" (RFC 4443 §3.1, code 1): somebody on the way, not the target.
        (ErrorKind::PermissionDenied, ErrorOrigin::Remote) => silent("prohibited on the way"),
        // From TLS: with TLS 1.3 a server may refuse us only after its part of the handshake (RFC 8446 §4.4.2.4).
        (ErrorKind::InvalidData, _) => conclusive(format!("TLS broke: {error}")),
        (ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable, ErrorOrigin::Local) => unknown("no route"),
        (ErrorKind::PermissionDenied, ErrorOrigin::Local) => unknown("not permitted on this machine"),
        _ => unknown(format!("fault of the checker: {error}")),
    }
}

/// Returns the class of an error of a TCP connect that took so long.
///
/// A far side that refuses does so within a round trip. What a local rule rejects (`REJECT` of what goes out) is refused when
/// the kernel asks again: an error for the packet that it is just sending is put off. It is as good as silence: witnesses
/// tell whose it is.
pub(super) fn classify_refusal(error: &Error, told: ErrorOrigin, took: Duration) -> Outcome {
    if error.kind() == ErrorKind::ConnectionRefused && told == ErrorOrigin::Remote && took >= ASKED_AGAIN {
        return silent("refused only when asked again: by a rule of this machine, or on the way");
    }
    classify(error, told)
}

/// TCP asks again after 1 s (RFC 6298 §2), by a timer that may come a little early.
const ASKED_AGAIN: Duration = Duration::from_millis(950);

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn own_errors_are_unknown_and_only_the_far_side_marks_down() {
        // errno(3) of Linux: EPERM 1, ENOMEM 12, EACCES 13, ENFILE 23, EMFILE 24, EADDRNOTAVAIL 99, ENETUNREACH 101,
        // ECONNABORTED 103, ECONNRESET 104, ENOBUFS 105, ETIMEDOUT 110, ECONNREFUSED 111, EHOSTUNREACH 113.
        for (errno, at_once, later) in [
            (1, "unknown", "unknown"),
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
            (113, "unknown", "silent"),
        ] {
            let error = Error::from_raw_os_error(errno);
            assert_eq!(classify(&error, ErrorOrigin::Local).as_str(), at_once, "{error} at once");
            assert_eq!(classify(&error, ErrorOrigin::Remote).as_str(), later, "{error} later");
        }
    }

    #[test]
    fn a_refusal_that_comes_only_when_asked_again_is_silence() {
        let refused = Error::from(ErrorKind::ConnectionRefused);
        for (told, millis, expected) in [
            (ErrorOrigin::Remote, 1, "fail"),
            (ErrorOrigin::Remote, 600, "fail"),
            (ErrorOrigin::Remote, 1_000, "silent"),
            (ErrorOrigin::Local, 1_000, "fail"),
        ] {
            let outcome = classify_refusal(&refused, told, Duration::from_millis(millis));
            assert_eq!(outcome.as_str(), expected, "{told:?} after {millis} ms");
        }
        let reset = Error::from(ErrorKind::ConnectionReset);
        assert_eq!(classify_refusal(&reset, ErrorOrigin::Remote, Duration::from_secs(1)).as_str(), "fail");
    }
}

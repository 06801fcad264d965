//! Scans what a server sends on a held connection. Pure.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// A word that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// `<system-shutdown/>`: it is leaving (RFC 6120 §4.9.3.19). Prosody says so even if no stream was opened.
    Leaving,
    /// `<connection-timeout/>`: the connection was idle for too long (RFC 6120 §4.9.3.4).
    Idle,
    /// `CRLF`: the answer to a ping (RFC 5626 §3.5.1).
    Pong,
}

/// Listens for words, however they are cut into packets; all else is passed over.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamScanner {
    /// The end of what was heard: shorter than the longest word.
    tail: Vec<u8>,
    /// Octets heard in all.
    heard: usize,
}

impl StreamScanner {
    /// Hears octets; returns the gravest word in them.
    pub(super) fn scan(&mut self, octets: &[u8]) -> Option<Signal> {
        self.heard = self.heard.saturating_add(octets.len());
        self.tail.extend_from_slice(octets);
        let has = |word: &[u8]| self.tail.windows(word.len()).any(|window| window == word);
        let word = if has(SHUTDOWN) {
            Some(Signal::Leaving)
        } else if has(TIMEOUT) {
            Some(Signal::Idle)
        } else {
            (octets == PONG).then_some(Signal::Pong)
        };
        let kept = self.tail.len().min(LONGEST.saturating_sub(1));
        let cut = self.tail.len().saturating_sub(kept);
        self.tail.drain(..cut);
        self.tail.shrink_to(LONGEST);
        word
    }

    /// Returns whether it says more than anybody would on an idle connection.
    pub(super) const fn is_over_limit(&self) -> bool {
        self.heard > HEARD_MAX
    }
}

/// Two of them would be a ping of the far side's own, as Asterisk sends them.
const PONG: &[u8] = b"\r\n";
const SHUTDOWN: &[u8] = b"<system-shutdown";
const TIMEOUT: &[u8] = b"<connection-timeout";
/// The length of the longest word.
const LONGEST: usize = TIMEOUT.len();
/// How many octets are listened to on one connection: 64 KiB.
const HEARD_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: &[u8] = b"<?xml version='1.0'?><stream:stream from='' id=''><stream:error><system-shutdown \
        xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";

    #[test]
    fn a_word_is_heard_wherever_the_packets_are_cut() {
        for cut in 0..ERROR.len() {
            let mut scanner = StreamScanner::default();
            let (before, after) = ERROR.split_at(cut);
            let words = [scanner.scan(before), scanner.scan(after)];
            assert!(words.contains(&Some(Signal::Leaving)), "cut at {cut}: {words:?}");
        }
        let mut scanner = StreamScanner::default();
        assert!(ERROR.iter().any(|octet| scanner.scan(&[*octet]) == Some(Signal::Leaving)));
    }

    #[test]
    fn an_idle_time_out_is_no_farewell_and_a_line_break_is_a_pong() {
        let mut scanner = StreamScanner::default();
        assert_eq!(scanner.scan(b"220 mail.example.com ESMTP\r\n"), None);
        assert_eq!(scanner.scan(b"\r\n\r\n"), None);
        assert_eq!(scanner.scan(b"\r\n"), Some(Signal::Pong));
        assert_eq!(scanner.scan(b"<stream:error><connection-timeout xmlns='urn:x'/>"), Some(Signal::Idle));
    }

    #[test]
    fn a_flood_tires_and_takes_no_memory() {
        let mut scanner = StreamScanner::default();
        for _ in 0..16 {
            assert!(!scanner.is_over_limit());
            scanner.scan(&[b'x'; 4096]);
        }
        scanner.scan(b"x");
        assert!(scanner.is_over_limit());
        assert!(scanner.tail.capacity() <= 2 * LONGEST);
    }
}

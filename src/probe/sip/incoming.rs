//! Cuts a stream into SIP messages by Content-Length (RFC 3261 §18.3).
//!
//! | limit | what happens at it |
//! |---|---|
//! | a head of 8 KiB | the stream is at fault |
//! | bodies | passed over, never kept |

use super::head::{Body, Fault, HEAD_MAX, Head, judge_begin};

/// What has come and is not read yet.
#[derive(Clone, Debug)]
pub struct Incoming {
    buffer: Vec<u8>,
    /// Octets of the last message, body included, that are still to be taken away.
    done: usize,
    /// So many octets were searched for the end of a head.
    searched: usize,
    unclear: bool,
}

impl Default for Incoming {
    fn default() -> Self {
        Self::new()
    }
}

impl Incoming {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self { buffer: Vec::with_capacity(USUAL), done: 0, searched: 0, unclear: false }
    }

    /// Returns where to put what comes next, and how many octets of it at most.
    pub const fn room(&mut self) -> (&mut Vec<u8>, usize) {
        let room = HEAD_MAX.saturating_sub(self.buffer.len());
        (&mut self.buffer, room)
    }

    /// Returns what has come and belongs to no whole head.
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.done..).unwrap_or_default()
    }

    /// Returns the head of the next message, or nothing until more has come.
    pub fn next_head(&mut self) -> Result<Option<Head<'_>>, Fault> {
        if !self.clear_done() {
            return Ok(None);
        }
        if self.unclear {
            return Err(Fault::Length);
        }
        // RFC 3261 §7.5 and RFC 5626 §3.5.1: line ends before a message are keepalives.
        let idle = self.buffer.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        self.take_away(idle);
        let Some(end) = self.end_of_head() else {
            judge_begin(&self.buffer)?;
            return if self.buffer.len() >= HEAD_MAX { Err(Fault::Long) } else { Ok(None) };
        };
        let head = Head::read(self.buffer.get(..end).unwrap_or_default())?;
        self.done = match head.body {
            Body::Octets(length) => end.saturating_add(length),
            Body::Unsaid | Body::Unclear => end,
        };
        self.unclear = head.body == Body::Unclear;
        Ok(Some(head))
    }

    /// Takes away the last message; false while its body has not come whole.
    fn clear_done(&mut self) -> bool {
        let here = self.done.min(self.buffer.len());
        self.done = self.done.saturating_sub(here);
        self.take_away(here);
        self.done == 0
    }

    fn take_away(&mut self, octets: usize) {
        if octets > 0 {
            self.buffer.drain(..octets.min(self.buffer.len()));
            self.searched = 0;
        }
    }

    /// Returns where the empty line after a head ends.
    fn end_of_head(&mut self) -> Option<usize> {
        // The begin of the end may have come before.
        let from = self.searched.saturating_sub(ENDS.len());
        let unseen = self.buffer.get(from..).unwrap_or_default();
        let ends = ENDS.iter().filter_map(|end| {
            let at = unseen.windows(end.len()).position(|window| window == *end)?;
            at.checked_add(end.len())
        });
        let end = ends.min();
        self.searched = self.buffer.len();
        from.checked_add(end?)
    }
}

/// Room for a usual answer.
const USUAL: usize = 2048;
/// How a head ends: a line end, and an empty line.
const ENDS: [&[u8]; 2] = [b"\n\r\n", b"\n\n"];

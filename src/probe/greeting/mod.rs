//! The check `greeting`: reads what a server of a text protocol says first, asks it something small, and takes leave.
//!
//! ```text
//!   Stream (plain, or TLS) ──▶ Conversation (pure: lines, one table for all protocols) ──▶ pass, or the outcome
//!        ▲                                  └── question, farewell ──┐
//!        └──────────────────────────────────────────────────────────┘
//! ```
//!
//! A TCP connect says nothing of such a server: the kernel accepts for one that hangs, and a load balancer for one that is
//! dead. The farewell (QUIT, LOGOUT) keeps logs short, and fail2ban quiet.
//!
//! | limit | what happens at it |
//! |---|---|
//! | 16 KiB before the last line that is waited for | fail, conclusive |

pub mod conversation;
mod keys;
mod protocol;

pub use keys::GreetingKeys;

use conversation::{Conversation, Step};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::attempt::{Attempt, Ending, Probe, conclusive};
use super::connect::{LINGER, close};
use super::stream::Stream;
use super::tls::Tls;
use super::watch::HoldSpec;
use crate::zone::services::TextProtocol;

/// Parameters of [`Check::Greeting`](super::Check::Greeting).
#[derive(Clone, Debug, PartialEq)]
pub struct Greeting {
    /// What is spoken.
    pub protocol: TextProtocol,
    /// TLS from the begin; nothing: plain.
    pub tls: Option<Tls>,
}

impl Probe for Greeting {
    const KIND: &'static str = "greeting";

    fn transport(&self) -> &'static str {
        if self.tls.is_some() { "tls" } else { "tcp" }
    }

    fn parameters(&self) -> String {
        let tls = self.tls.as_ref().map(|tls| format!(" tls({})", tls.parameters()));
        format!("protocol={}{}", protocol::row(self.protocol).word, tls.unwrap_or_default())
    }

    /// None is held: these servers count and log connections that do not log in, and close them soon.
    fn hold_spec(&self) -> Option<HoldSpec> {
        None
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let row = protocol::row(self.protocol);
        let mut stream = Stream::open(self.tls.as_ref(), attempt).await?;
        let mut conversation = Conversation::new(self.protocol);
        let mut octets = Vec::new();
        attempt.begin(if row.greets { "greeting" } else { "question" });
        loop {
            match conversation.step() {
                Step::Read => {
                    octets.clear();
                    if stream.receive(&mut octets, PIECE, attempt).await? == 0 {
                        return Err(attempt.fails(conclusive(conversation.closed())));
                    }
                    conversation.heard(&octets);
                }
                Step::Send(text) => {
                    // The step of the greeting is done; the question is one of its own.
                    if let Some(line) = conversation.last_line() {
                        attempt.saw(line);
                        attempt.begin("question");
                    }
                    stream.send(text.as_bytes(), attempt).await?;
                }
                Step::Passes(warning) => {
                    attempt.saw(conversation.last_line().unwrap_or_default());
                    attempt.warnings.extend(warning);
                    attempt.passes();
                    break;
                }
                Step::Ends(outcome) => {
                    let outcome = attempt.fails(outcome);
                    leave(row.farewell, stream).await;
                    return Err(outcome);
                }
            }
        }
        leave(row.farewell, stream).await;
        Ok(())
    }
}

/// Takes leave; how the far side takes it changes nothing any more.
async fn leave(farewell: &[u8], mut stream: Stream) {
    drop(timeout(LINGER, stream.write_all(farewell)).await);
    close(stream).await;
}

/// How much is read at once, in octets.
const PIECE: usize = 2048;

//! Any octets as what a server of a text protocol says, in any pieces: no panic, no growth, and the same end.

use understudy::probe::greeting::conversation::{Conversation, Step};
use understudy::zone::services::TextProtocol;

const ALL: [TextProtocol; 8] = [
    TextProtocol::Imap,
    TextProtocol::Pop3,
    TextProtocol::Sieve,
    TextProtocol::Smtp,
    TextProtocol::Nntp,
    TextProtocol::Ftp,
    TextProtocol::Ssh,
    TextProtocol::Irc,
];

/// Runs one input; its first octet says which protocol it is, its second how long the pieces are.
pub(crate) fn run(input: &[u8]) {
    let [which, piece, octets @ ..] = input else { return };
    let protocol = ALL[usize::from(*which) % ALL.len()];
    // The question is asked after a whole greeting, so pieces are lines here: what is behind a line waits for it.
    let lines: Vec<&[u8]> = octets.split_inclusive(|octet| *octet == b'\n').collect();
    let whole = play(protocol, &lines, usize::MAX);
    let pieces = play(protocol, &lines, usize::from(*piece).max(1));
    assert_eq!(whole, pieces);
}

/// Plays lines in pieces; returns what came to be, if anything.
fn play(protocol: TextProtocol, lines: &[&[u8]], piece: usize) -> Option<Step> {
    let (mut conversation, mut asked) = (Conversation::new(protocol), 0);
    for line in lines {
        for octets in line.chunks(piece.min(line.len().max(1))) {
            match conversation.step() {
                Step::Read => conversation.heard(octets),
                Step::Send(question) => {
                    asked += 1;
                    assert!(asked == 1 && question.ends_with("\r\n"));
                    conversation.heard(b"");
                    assert_eq!(conversation.step(), Step::Read);
                    conversation.heard(octets);
                }
                end @ (Step::Passes(_) | Step::Ends(_)) => return Some(end),
            }
        }
    }
    match conversation.step() {
        Step::Read | Step::Send(_) => None,
        end @ (Step::Passes(_) | Step::Ends(_)) => Some(end),
    }
}

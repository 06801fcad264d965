//! Reads octets as an XMPP server's side of a dialogue, whole and one by one.

use understudy::probe::xmpp::{Dialogue, Role, Turn, Xmpp};
use understudy::probe::{Depth, Tls, Verify};

/// Runs one input: its first octet chooses who is played.
pub(crate) fn run(input: &[u8]) {
    let Some((choice, octets)) = input.split_first() else { return };
    let check = check(choice & 1 > 0, choice & 2 > 0);
    let depth = if choice & 4 > 0 { Depth::Shallow } else { Depth::Deep };
    let (whole, by_octets) = (play(&check, depth, octets, octets.len()), play(&check, depth, octets, 1));
    // What comes in one piece with <proceed/> is injected; in a later piece it would be TLS.
    let injected = whole.contains("between <proceed/> and TLS");
    assert!(injected || whole == by_octets, "{whole} but {by_octets}");
}

fn play(check: &Xmpp, depth: Depth, octets: &[u8], piece: usize) -> String {
    let mut dialogue = Dialogue::new(check, depth, check.direct);
    let mut told = String::new();
    'pieces: for mut rest in octets.chunks(piece.max(1)) {
        while !rest.is_empty() {
            match dialogue.receive(rest) {
                Ok((turn, behind)) => {
                    assert!(behind.len() < rest.len());
                    rest = behind;
                    match turn {
                        Turn::Wait => {}
                        Turn::Secure => dialogue.secured(),
                        Turn::Ask(saw) => told.push_str(&saw),
                        Turn::Pass(saw) => {
                            told.push_str(&saw);
                            break 'pieces;
                        }
                    }
                }
                Err(outcome) => {
                    told.push_str(&format!("{outcome:?}"));
                    break 'pieces;
                }
            }
        }
    }
    let warnings = dialogue.into_warnings();
    assert!(warnings.len() <= 8 && told.len() + warnings.concat().len() < 8192 + octets.len());
    told + &warnings.concat()
}

fn check(server: bool, direct: bool) -> Xmpp {
    let tls = Tls {
        name: "example.test".to_owned(),
        verify: Verify::Name,
        alpn: Vec::new(),
        authority: None,
        other_name: None,
        client_certificate: None,
    };
    Xmpp::new(if server { Role::Server } else { Role::Client }, direct, tls)
}

//! The text protocols, one row each: how a server greets, what it is asked, and how it is left.

use crate::health::Outcome;
use crate::probe::attempt::{conclusive, unknown};
use crate::zone::services::TextProtocol;

/// What is known of one protocol.
#[derive(Debug)]
pub(super) struct Row {
    /// Its name in a `check` and in URLs.
    pub(super) word: &'static str,
    /// The scheme of its URLs in TLS.
    pub(super) secure: &'static str,
    /// Its ports, without TLS and with it.
    pub(super) ports: [u16; 2],
    /// Whether the server speaks first.
    pub(super) greets: bool,
    /// What a line of the greeting is, with the number of lines before it.
    pub(super) greeting: fn(&[u8], usize) -> Reading,
    /// What is asked; empty: the greeting is enough.
    pub(super) question: &'static str,
    /// What a line of the answer is, with the number of lines before it.
    pub(super) answer: fn(&[u8], usize) -> Reading,
    /// How clients take leave.
    pub(super) farewell: &'static [u8],
    /// Whether servers ask who we are by name, before they greet.
    pub(super) resolves: bool,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reading {
    /// Others follow.
    Part,
    /// The last of what was waited for.
    Whole,
    /// It decides the outcome.
    Ends(Outcome),
}

/// Returns what is known of a protocol.
pub(super) const fn row(protocol: TextProtocol) -> &'static Row {
    match protocol {
        TextProtocol::Imap => &IMAP,
        TextProtocol::Pop3 => &POP3,
        TextProtocol::Sieve => &SIEVE,
        TextProtocol::Smtp => &SMTP,
        TextProtocol::Nntp => &NNTP,
        TextProtocol::Ftp => &FTP,
        TextProtocol::Ssh => &SSH,
        TextProtocol::Irc => &IRC,
    }
}

/// All of them.
pub(super) const ALL: [TextProtocol; 8] = [
    TextProtocol::Imap,
    TextProtocol::Pop3,
    TextProtocol::Sieve,
    TextProtocol::Smtp,
    TextProtocol::Nntp,
    TextProtocol::Ftp,
    TextProtocol::Ssh,
    TextProtocol::Irc,
];

const IMAP: Row = Row {
    word: "imap",
    secure: "imaps",
    ports: [143, 993],
    greets: true,
    greeting: imap_greeting,
    // Dovecot greets also while the process is gone that logs in; it answers nothing then.
    question: "a1 CAPABILITY\r\n",
    answer: imap_answer,
    farewell: b"a2 LOGOUT\r\n",
    resolves: false,
};

const POP3: Row = Row {
    word: "pop3",
    secure: "pop3s",
    ports: [110, 995],
    greets: true,
    greeting: pop3_greeting,
    question: "CAPA\r\n",
    answer: pop3_answer,
    farewell: b"QUIT\r\n",
    resolves: false,
};

const SIEVE: Row = Row {
    word: "sieve",
    secure: "sieves",
    ports: [4190, 4190],
    greets: true,
    greeting: sieve,
    question: "CAPABILITY\r\n",
    answer: sieve,
    farewell: b"LOGOUT\r\n",
    resolves: false,
};

const SMTP: Row = Row {
    word: "smtp",
    secure: "smtps",
    ports: [25, 465],
    greets: true,
    greeting: |line, before| coded(line, before, &[220]),
    question: "",
    answer: |_, _| Reading::Whole,
    farewell: b"QUIT\r\n",
    resolves: true,
};

const NNTP: Row = Row {
    word: "nntp",
    secure: "nntps",
    ports: [119, 563],
    greets: true,
    greeting: |line, before| coded(line, before, &[200, 201]),
    question: "",
    answer: |_, _| Reading::Whole,
    farewell: b"QUIT\r\n",
    resolves: true,
};

const FTP: Row = Row {
    word: "ftp",
    secure: "ftps",
    ports: [21, 990],
    greets: true,
    greeting: |line, before| coded(line, before, &[220]),
    question: "",
    answer: |_, _| Reading::Whole,
    farewell: b"QUIT\r\n",
    resolves: true,
};

const SSH: Row = Row {
    word: "ssh",
    secure: "sshs",
    ports: [22, 22],
    greets: true,
    greeting: ssh,
    question: "",
    answer: |_, _| Reading::Whole,
    // Our own identification, then SSH_MSG_DISCONNECT with SSH_DISCONNECT_BY_APPLICATION (RFC 4253 §4.2, §6, §11.1).
    farewell: b"SSH-2.0-understudy\r\n\
        \0\0\0\x1c\x08\x01\0\0\0\x0b\0\0\0\x06health\0\0\0\0\0\0\0\0\0\0\0\0",
    resolves: false,
};

const IRC: Row = Row {
    word: "irc",
    secure: "ircs",
    ports: [6667, 6697],
    greets: false,
    greeting: |_, _| Reading::Whole,
    // InspIRCd without its module `cap` does not answer to CAP.
    question: "PING :understudy\r\n",
    answer: irc,
    farewell: b"QUIT\r\n",
    resolves: true,
};

/// Reads a line of a reply with a code of three digits (RFC 5321 §4.2, RFC 959 §4.2, RFC 3977 §3.2). Between the first and
/// the last line of one in FTP, any text may stand.
fn coded(line: &[u8], before: usize, greetings: &[u16]) -> Reading {
    let code = line.get(..3).filter(|code| code.iter().all(u8::is_ascii_digit));
    let code: Option<u16> = code.and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
    match (code, line.get(3)) {
        (Some(_), Some(b'-')) => Reading::Part,
        (Some(code), None | Some(b' ')) if greetings.contains(&code) => Reading::Whole,
        // RFC 5321 §3.8, RFC 959 §5.4, RFC 3977 §3.2.1: 4xx means not now.
        (Some(400..=499), None | Some(b' ')) => Reading::Ends(refusal(line)),
        // RFC 5321 §3.1: "no SMTP service here"; the same code refuses a client that is not liked.
        (Some(500..=599), None | Some(b' ')) => {
            Reading::Ends(unknown(format!("refuses this client, or everybody: {}", quoted(line))))
        }
        _ if before > 0 => Reading::Part,
        _ => Reading::Ends(conclusive(format!("no greeting: {}", quoted(line)))),
    }
}

/// Reads the greeting of IMAP (RFC 9051 §7.1).
fn imap_greeting(line: &[u8], _before: usize) -> Reading {
    if begins(line, b"* OK") || begins(line, b"* PREAUTH") {
        Reading::Whole
    } else if begins(line, b"* BYE") {
        Reading::Ends(refusal(line))
    } else {
        Reading::Ends(conclusive(format!("no greeting: {}", quoted(line))))
    }
}

/// Reads the answer to our command.
fn imap_answer(line: &[u8], _before: usize) -> Reading {
    if begins(line, b"a1 OK") {
        Reading::Whole
    } else if begins(line, b"* BYE") {
        Reading::Ends(refusal(line))
    } else if line.starts_with(b"* ") {
        Reading::Part
    } else {
        Reading::Ends(conclusive(format!("no answer to CAPABILITY: {}", quoted(line))))
    }
}

/// Reads the greeting of POP3 (RFC 1939 §4).
fn pop3_greeting(line: &[u8], _before: usize) -> Reading {
    if begins(line, b"+OK") {
        Reading::Whole
    } else if begins(line, b"-ERR") {
        Reading::Ends(refusal(line))
    } else {
        Reading::Ends(conclusive(format!("no greeting: {}", quoted(line))))
    }
}

/// Reads the answer to CAPA: lines up to a single dot, or the refusal of a server that does not know it (RFC 2449 §5).
fn pop3_answer(line: &[u8], before: usize) -> Reading {
    match (before, line) {
        (0, line) if begins(line, b"+OK") => Reading::Part,
        (0, line) if begins(line, b"-ERR") => Reading::Whole,
        (0, line) => Reading::Ends(conclusive(format!("no answer to CAPA: {}", quoted(line)))),
        (_, b".") => Reading::Whole,
        _ => Reading::Part,
    }
}

/// Reads capabilities up to the OK (RFC 5804 §1.7, §2.4): they are the greeting too.
fn sieve(line: &[u8], before: usize) -> Reading {
    if begins(line, b"OK") {
        Reading::Whole
    } else if begins(line, b"NO") || begins(line, b"BYE") {
        Reading::Ends(refusal(line))
    } else if before > 0 || line.starts_with(b"\"") {
        Reading::Part
    } else {
        Reading::Ends(conclusive(format!("no greeting: {}", quoted(line))))
    }
}

/// Reads up to the identification of an SSH server; other lines may stand before it (RFC 4253 §4.2).
fn ssh(line: &[u8], _before: usize) -> Reading {
    if line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.99-") {
        Reading::Whole
    } else if line.starts_with(b"SSH-") {
        Reading::Ends(conclusive(format!("not SSH 2: {}", quoted(line))))
    } else if holds(line, b"Exceeded MaxStartups") || holds(line, b"Not allowed at this time") {
        // OpenSSH, before it closes: the first if too many log in just now, the second if this client is penalised.
        Reading::Ends(unknown(format!("the server limits its clients: {}", quoted(line))))
    } else {
        Reading::Part
    }
}

/// Reads what an IRC server says to a client that has not registered: notices, then its answer or a numeric (RFC 1459
/// §2.3, §6; IRCv3 capability negotiation).
fn irc(line: &[u8], _before: usize) -> Reading {
    let mut words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty()).peekable();
    if words.peek().is_some_and(|word| word.starts_with(b"@")) {
        words.next();
    }
    if words.peek().is_some_and(|word| word.starts_with(b":")) {
        words.next();
    }
    match words.next().unwrap_or_default() {
        b"NOTICE" => Reading::Part,
        b"CAP" | b"PING" | b"PONG" => Reading::Whole,
        b"ERROR" => Reading::Ends(unknown(format!("the server refuses this client: {}", quoted(line)))),
        [a, b, c] if [a, b, c].iter().all(|digit| digit.is_ascii_digit()) => Reading::Whole,
        _ => Reading::Ends(conclusive(format!("not IRC: {}", quoted(line)))),
    }
}

/// Judges a refusal by its words: a limit for clients of one address is about us alone, one for all means that it is full.
fn refusal(line: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(line).to_ascii_lowercase();
    let limit = ["too many", "maximum", "limit", "exceeded"].iter().any(|words| text.contains(words));
    if limit && ["from", "this ip", "your ip", "per ip"].iter().any(|words| text.contains(words)) {
        unknown(format!("the server limits this checker: {}", quoted(line)))
    } else if limit {
        Outcome::Degraded(format!("full: {}", quoted(line)).into())
    } else {
        conclusive(format!("refuses: {}", quoted(line)))
    }
}

fn begins(line: &[u8], with: &[u8]) -> bool {
    line.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with))
        && line.get(with.len()).is_none_or(|next| !next.is_ascii_alphanumeric())
}

fn holds(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

fn quoted(line: &[u8]) -> String {
    crate::probe::tcp::quote(line)
}

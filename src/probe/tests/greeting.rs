//! The check `greeting`: what real servers say, and servers that greet and are dead behind it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::{Server, assert_saw, probe, probe_within};
use crate::probe::greeting::conversation::{Conversation, Step};
use crate::probe::{Check, Greeting, GreetingKeys, KindKeys as _, TargetSettings};
use crate::zone::services::TextProtocol::{self, Ftp, Imap, Irc, Nntp, Pop3, Sieve, Smtp, Ssh};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn servers_that_resolve_or_start_a_process_first_have_more_time() {
    for (protocol, seconds) in
        [(Imap, 5), (Pop3, 5), (Sieve, 5), (Ssh, 5), (Smtp, 10), (Nntp, 10), (Ftp, 10), (Irc, 10)]
    {
        let keys = GreetingKeys { protocol: Some(protocol), ..GreetingKeys::default() };
        let settings = keys.defaults(TargetSettings::default());
        assert_eq!(settings.health.timeout.as_secs(), seconds, "{protocol:?}");
    }
}

fn plain(protocol: TextProtocol) -> Check {
    Check::Greeting(Greeting { protocol, tls: None })
}

/// Plays what a server says, a piece for each time that it is waited for; returns the class and cause of the outcome.
fn play(protocol: TextProtocol, said: &[&str]) -> (&'static str, String) {
    let (mut conversation, mut said) = (Conversation::new(protocol), said.iter());
    loop {
        match conversation.step() {
            Step::Read => match said.next() {
                Some(text) => conversation.heard(text.as_bytes()),
                None => return ("waits", String::new()),
            },
            Step::Send(_) => {}
            Step::Passes(_) => return ("pass", String::new()),
            Step::Ends(outcome) => return (outcome.as_str(), outcome.cause().unwrap_or_default().to_owned()),
        }
    }
}

#[test]
fn what_real_servers_say_has_its_meaning() {
    for (protocol, said, class, part) in [
        // Dovecot 2.3, Cyrus; Dovecot whose process for logins is gone.
        (
            Imap,
            &["* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", "* CAPABILITY IMAP4rev1\r\na1 OK done\r\n"][..],
            "pass",
            "",
        ),
        (Imap, &["* PREAUTH welcome\r\n", "a1 ok done\r\n"], "pass", ""),
        (Imap, &["* OK Waiting for authentication process to respond..\r\n"], "waits", ""),
        (Imap, &["* OK ready\r\n", "* BYE Disconnected for inactivity.\r\n"], "fail", "refuses"),
        (Imap, &["* OK ready\r\n", "a1 BAD unknown\r\n"], "fail", "no answer to CAPABILITY"),
        (Imap, &["* BYE Too many connections from your IP\r\n"], "unknown", "limits this checker"),
        (Imap, &["220 mail.example ESMTP\r\n"], "fail", "no greeting"),
        (Pop3, &["+OK Dovecot ready.\r\n", "+OK\r\nCAPA\r\n", "UIDL\r\n.\r\n"], "pass", ""),
        (Pop3, &["+OK qpop\r\n", "-ERR unknown command\r\n"], "pass", ""),
        (Pop3, &["-ERR [SYS/TEMP] not now\r\n"], "fail", "not now"),
        (
            Sieve,
            &["\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\nOK \"ready.\"\r\n", "\"SIEVE\" \"fileinto\"\r\nOK\r\n"],
            "pass",
            "",
        ),
        (Sieve, &["BYE \"too many connections\"\r\n"], "degraded", "full"),
        // Postfix, also with postscreen's teaser; Exim with a limit for each address and for all.
        (Smtp, &["220-mail.example ESMTP wait\r\n", "220 mail.example ESMTP Postfix\r\n"], "pass", ""),
        (Smtp, &["220-mail.example ESMTP wait\r\n"], "waits", ""),
        (
            Smtp,
            &["421 4.7.0 mail.example Error: too many connections from 192.0.2.1\r\n"],
            "unknown",
            "limits this checker",
        ),
        (Smtp, &["421 Too many concurrent SMTP connections; please try again later.\r\n"], "degraded", "full"),
        (Smtp, &["421 4.3.2 Service shutting down\r\n"], "fail", "refuses"),
        (Smtp, &["554 5.7.1 you are on a list\r\n"], "unknown", "refuses this client, or everybody"),
        (Smtp, &["SSH-2.0-OpenSSH_9.2\r\n"], "fail", "no greeting"),
        (Nntp, &["201 news.example ready (no posting)\r\n"], "pass", ""),
        (
            Ftp,
            &["220---------- Welcome to Pure-FTPd ----------\r\nany text\r\n", "220 You will be disconnected\r\n"],
            "pass",
            "",
        ),
        (
            Ftp,
            &["421 There are too many connections from your internet address.\r\n"],
            "unknown",
            "limits this checker",
        ),
        (Ssh, &["a notice before\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"], "pass", ""),
        (Ssh, &["SSH-1.5-old\r\n"], "fail", "not SSH 2"),
        (Ssh, &["Exceeded MaxStartups\r\n"], "unknown", "limits its clients"),
        (
            Irc,
            &[":irc.example NOTICE * :*** Looking up your hostname...\r\n", ":irc.example CAP * LS :sasl\r\n"],
            "pass",
            "",
        ),
        (Irc, &[":irc.example 451 * :Register first\r\n"], "pass", ""),
        (Irc, &["@time=x :irc.example CAP * LS :sasl\r\n"], "pass", ""),
        (Irc, &["ERROR :Closing link: (unknown@192.0.2.1) [Connect limit]\r\n"], "unknown", "refuses this client"),
        (Irc, &["HTTP/1.1 400 Bad Request\r\n"], "fail", "not IRC"),
    ] {
        let (seen, cause) = play(protocol, said);
        assert!(seen == class && cause.contains(part), "{protocol:?} {said:?}: {seen} {cause}");
    }
}

#[tokio::test]
async fn who_greets_and_answers_passes_and_is_left_politely() {
    let (heard, mut hearing) = mpsc::channel(1);
    let server = Server::start(move |mut stream| {
        let heard = heard.clone();
        async move {
            stream.write_all(b"* OK ready\r\n").await.unwrap();
            let mut asked = vec![0; 15];
            stream.read_exact(&mut asked).await.unwrap();
            assert_eq!(asked, b"a1 CAPABILITY\r\n");
            stream.write_all(b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n").await.unwrap();
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.unwrap();
            heard.send(rest).await.unwrap();
        }
    })
    .await;
    let report = probe(server.address, plain(Imap)).await;
    assert_saw(&report, "pass", "");
    assert_eq!(report.steps.iter().map(|step| step.what).collect::<Vec<_>>(), ["connect", "greeting", "question"]);
    assert_eq!(hearing.recv().await.as_deref(), Some("a2 LOGOUT\r\n"));
}

#[tokio::test]
async fn who_accepts_and_ends_at_once_fails_as_a_balancer_before_a_dead_server_does() {
    let server = Server::start(|stream| async move { drop(stream) }).await;
    for protocol in [Smtp, Ssh, Imap] {
        assert_saw(&probe(server.address, plain(protocol)).await, "fail", "closed without a greeting");
    }
    assert_saw(&probe(server.address, plain(Irc)).await, "fail", "");
}

#[tokio::test]
async fn who_accepts_and_hangs_is_silent_also_behind_its_greeting() {
    let mute = Server::start(|mut stream| async move { drop(stream.read(&mut [0; 16]).await) }).await;
    assert_saw(&probe_within(mute.address, plain(Smtp), SHORT).await, "silent", "no answer within");
    let half = Server::start(|mut stream| async move {
        stream.write_all(b"* OK Waiting for authentication process to respond..\r\n").await.unwrap();
        sleep(Duration::from_secs(60)).await;
    })
    .await;
    assert_saw(&probe_within(half.address, plain(Imap), SHORT).await, "silent", "no answer within");
}

#[tokio::test]
async fn a_greeting_without_end_is_given_up() {
    let server =
        Server::start(|mut stream| async move { while stream.write_all(b"220-more\r\n").await.is_ok() {} }).await;
    assert_saw(&probe(server.address, plain(Smtp)).await, "fail", "more than 16 KiB");
}

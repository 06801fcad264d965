//! The outcomes of streams, from vectors and generated streams.

use proptest::prelude::*;

use super::*;

/// What a dialogue came to: a turn's word, or an outcome's; and what was seen.
type Came = (&'static str, String);

fn told(turn: Turn) -> Came {
    match turn {
        Turn::Wait => ("wait", String::new()),
        Turn::Ask(saw) => ("ask", saw),
        Turn::Secure => ("secure", String::new()),
        Turn::Pass(saw) => ("pass", saw),
    }
}

/// Plays what a server sends in pieces, in the clear; stops at the first end.
fn play(check: &Xmpp, depth: Depth, pieces: &[&[u8]]) -> (Vec<Came>, Vec<String>) {
    let mut dialogue = Dialogue::new(check, depth, check.direct);
    let mut came = Vec::new();
    'pieces: for piece in pieces {
        let mut rest: &[u8] = piece;
        while !rest.is_empty() {
            match dialogue.receive(rest) {
                Ok((Turn::Wait, after)) => rest = after,
                Ok((turn, after)) => {
                    let ends = !matches!(turn, Turn::Ask(_));
                    came.push(told(turn));
                    rest = after;
                    if ends {
                        break 'pieces;
                    }
                }
                Err(outcome) => {
                    came.push((outcome.as_str(), outcome.cause().unwrap_or_default().to_owned()));
                    break 'pieces;
                }
            }
        }
    }
    (came, dialogue.into_warnings())
}

fn whole(check: &Xmpp, depth: Depth, text: &str) -> Came {
    play(check, depth, &[text.as_bytes()]).0.pop().unwrap_or(("wait", String::new()))
}

#[track_caller]
fn assert_came(came: &Came, class: &str, part: &str) {
    assert!(came.0 == class && came.1.contains(part), "{came:?}, not {class} with {part:?}");
}

#[test]
fn a_stream_is_opened_as_rfc_6120_wants_it() {
    let client = Dialogue::new(&xmpp(Role::Client, false), Depth::Deep, false).hello();
    assert_eq!(
        client,
        "<?xml version='1.0'?><stream:stream to='example.test' version='1.0' xml:lang='en' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    let odd =
        Xmpp { domain: "a'b&<c>\"".to_owned(), from: Some("probe.example".to_owned()), ..xmpp(Role::Server, false) };
    let server = Dialogue::new(&odd, Depth::Deep, false).hello();
    for part in [
        "from='probe.example' to='a&apos;b&amp;&lt;c&gt;&quot;'",
        "xmlns='jabber:server' xmlns:db='jabber:server:dialback'",
    ] {
        assert!(server.contains(part), "{server}");
    }
}

#[test]
fn shallow_stops_at_the_offer_and_deep_asks_for_tls() {
    for role in [Role::Client, Role::Server] {
        let (check, text) = (xmpp(role, false), header(role) + PLAIN_FEATURES);
        assert_came(&whole(&check, Depth::Shallow, &text), "pass", "offers STARTTLS (required)");
        assert_came(&whole(&check, Depth::Deep, &text), "ask", "offers STARTTLS (required)");
        assert_came(&whole(&check, Depth::Deep, &(text + PROCEED)), "secure", "");
    }
}

#[test]
fn within_tls_a_client_needs_a_way_to_log_in_and_a_server_does_not() {
    let (client, server) = (xmpp(Role::Client, true), xmpp(Role::Server, true));
    let came = |check: &Xmpp, features: &str| whole(check, Depth::Deep, &(header(check.role) + features));
    assert_came(&came(&client, LOGIN_FEATURES), "pass", "offers SCRAM-SHA-1, PLAIN");
    let sasl2 = "<stream:features><authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-256</mechanism>\
                 <inline/></authentication></stream:features>";
    assert_came(&came(&client, sasl2), "pass", "offers SCRAM-SHA-256");
    assert_came(&came(&client, "<stream:features/>"), "fail", "no way to log in (SASL): offers nothing");
    let lenient = Xmpp { require_sasl: false, ..client };
    assert_came(&came(&lenient, "<stream:features/>"), "pass", "offers nothing");
    assert_came(&came(&server, DIALBACK_FEATURES), "pass", "offers dialback");
    assert_came(&came(&server, "<stream:features/>"), "pass", "offers nothing");
}

#[test]
fn without_starttls_a_target_fails_unless_that_is_allowed() {
    let check = xmpp(Role::Client, false);
    let text = header(Role::Client) + LOGIN_FEATURES;
    for depth in [Depth::Shallow, Depth::Deep] {
        assert_came(&whole(&check, depth, &text), "fail", "no STARTTLS: offers SCRAM-SHA-1");
        let lenient = Xmpp { require_tls: false, ..check.clone() };
        let (came, warnings) = play(&lenient, depth, &[text.as_bytes()]);
        assert_came(&came[0], "pass", "offers SCRAM-SHA-1");
        assert_eq!(warnings, ["no STARTTLS is offered"]);
    }
}

#[test]
fn stream_errors_are_judged_by_their_condition() {
    for (condition, class) in [
        ("host-unknown", "fail"),
        ("host-gone", "fail"),
        ("system-shutdown", "drain"),
        ("resource-constraint", "degraded"),
        ("see-other-host", "pass"),
        ("internal-server-error", "fail"),
        ("undefined-condition", "fail"),
        ("remote-connection-failed", "fail"),
        ("connection-timeout", "fail"),
        ("of-our-own-making", "fail"),
        ("policy-violation", "unknown"),
        ("reset", "unknown"),
        ("bad-format", "pass"),
        ("unsupported-version", "pass"),
        ("improper-addressing", "pass"),
        ("not-authorized", "pass"),
        ("restricted-xml", "pass"),
    ] {
        for before in [String::new(), PLAIN_FEATURES.to_owned()] {
            let text = header(Role::Client) + &before + &complaint(condition);
            let (came, warnings) = play(&xmpp(Role::Client, false), Depth::Deep, &[text.as_bytes()]);
            assert_came(came.last().unwrap(), class, &format!("stream error {condition}"));
            assert_eq!(!warnings.is_empty(), class == "pass", "{condition}: {warnings:?}");
        }
    }
}

#[test]
fn a_stream_error_counts_whatever_the_header_says() {
    let text = header(Role::Server).replace("example.test", "") + &complaint("host-unknown");
    assert_came(&whole(&xmpp(Role::Client, false), Depth::Deep, &text), "fail", "host-unknown");
    let words = "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text \
                 xmlns='urn:ietf:params:xml:ns:xmpp-streams'>This server does not serve a&#x9b;b</text></stream:error>";
    let came = whole(&xmpp(Role::Client, false), Depth::Deep, &(header(Role::Client) + words));
    assert_came(&came, "fail", "stream error host-unknown: This server does not serve a\\u{9b}b");
}

#[test]
fn swapped_ports_are_told_apart() {
    let text = header(Role::Client) + PLAIN_FEATURES;
    let came = whole(&xmpp(Role::Server, false), Depth::Shallow, &text);
    assert_came(&came, "fail", "a port for clients, not for servers");
    let came = whole(&xmpp(Role::Client, false), Depth::Deep, "\u{15}\u{3}\u{3}");
    assert_came(&came, "fail", "not XMPP: answers in TLS");
}

#[test]
fn an_odd_header_is_a_warning() {
    let text = header(Role::Client).replace(DOMAIN, "other.test").replace("version='1.0' xmlns", "xmlns");
    let text = text.replace("xmlns='jabber:client'", "xmlns='odd'") + PLAIN_FEATURES;
    let (came, warnings) = play(&xmpp(Role::Client, false), Depth::Shallow, &[text.as_bytes()]);
    assert_came(&came[0], "pass", "");
    assert_eq!(
        warnings,
        [
            "the stream header does not declare jabber:client",
            "answers as other.test",
            "the stream header has no version"
        ]
    );
    let upper = header(Role::Client).replace(DOMAIN, "EXAMPLE.test.") + PLAIN_FEATURES;
    assert!(play(&xmpp(Role::Client, false), Depth::Shallow, &[upper.as_bytes()]).1.is_empty());
}

#[test]
fn what_is_out_of_turn_fails() {
    let client = xmpp(Role::Client, false);
    let header = header(Role::Client);
    for (text, part) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(), "not XMPP: not well-formed XML (text where"),
        ("<!DOCTYPE html><html>".to_owned(), "not XMPP: a document type"),
        ("<html>".to_owned(), "not XMPP: the answer is <html>"),
        ("<stream xmlns='urn:other'>".to_owned(), "not XMPP: the answer is <stream>"),
        (format!("{header}<message/>"), "out of turn: <message/>"),
        (format!("{header}</stream:stream>"), "closed before its features"),
        (format!("{header}<!-- x"), "broken stream: a comment"),
        (format!("{header}{PLAIN_FEATURES}</stream:stream>"), "closed instead of going on with TLS"),
        (format!("{header}{PLAIN_FEATURES}<x/>"), "out of turn: <x/>"),
        (
            format!("{header}{PLAIN_FEATURES}<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>"),
            "offers STARTTLS, but refuses it",
        ),
        (format!("{header}{PLAIN_FEATURES}{PROCEED}<x/>"), "sends more between <proceed/> and TLS"),
    ] {
        assert_came(&whole(&client, Depth::Deep, &text), "fail", part);
    }
}

#[test]
fn within_tls_a_new_stream_begins() {
    let check = xmpp(Role::Client, false);
    let mut dialogue = Dialogue::new(&check, Depth::Deep, false);
    let clear = header(Role::Client).replace(DOMAIN, "other.test") + PLAIN_FEATURES;
    assert!(matches!(dialogue.receive(clear.as_bytes()), Ok((Turn::Ask(_), []))));
    assert!(matches!(dialogue.receive(PROCEED.as_bytes()), Ok((Turn::Secure, []))));
    dialogue.secured();
    assert!(dialogue.awaits_header());
    let secure = header(Role::Client).replace(DOMAIN, "other.test") + LOGIN_FEATURES;
    assert!(matches!(dialogue.receive(secure.as_bytes()), Ok((Turn::Pass(_), []))));
    assert_eq!(dialogue.into_warnings(), ["answers as other.test"], "told once");
}

#[test]
fn parameters_name_all_that_tells_checks_apart() {
    let base = xmpp(Role::Client, false);
    let text = |check: &Xmpp| check.parameters();
    assert_eq!(text(&base), "role=client name=example.test");
    assert_eq!(text(&xmpp(Role::Client, true)), text(&base), "the transport tells them apart");
    assert_eq!(text(&Xmpp { domain: "Example.TEST".to_owned(), ..base.clone() }), text(&base));
    for different in [
        xmpp(Role::Server, false),
        Xmpp { domain: "x.test".to_owned(), ..base.clone() },
        Xmpp { from: Some("x.test".to_owned()), ..base.clone() },
        Xmpp { require_tls: false, ..base.clone() },
        Xmpp { require_sasl: false, ..base.clone() },
        Xmpp { deep_interval: Duration::from_secs(1), ..base.clone() },
        Xmpp { tls: Tls { name: "x.test".to_owned(), ..base.tls.clone() }, ..base.clone() },
        Xmpp { tls: Tls { alpn: vec![b"h2".to_vec()], ..base.tls.clone() }, ..base.clone() },
        Xmpp { tls: Tls { verify: Verify::Off, ..base.tls.clone() }, ..base.clone() },
    ] {
        assert_ne!(text(&different), text(&base));
    }
    assert_ne!(xmpp(Role::Client, true).transport(), base.transport());
}

/// Whole dialogues in the clear, good and bad.
fn dialogues() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        header(Role::Client),
        header(Role::Server),
        PLAIN_FEATURES.to_owned(),
        LOGIN_FEATURES.to_owned(),
        PROCEED.to_owned(),
        complaint("host-unknown"),
        complaint("system-shutdown"),
        " \n".to_owned(),
        "<x a='1'>y</x>".to_owned(),
        "</stream:stream>".to_owned(),
        "\u{0}".to_owned(),
    ]);
    (any::<bool>(), prop::collection::vec(parts, 0..6)).prop_map(|(headed, parts)| {
        let begin = if headed { header(Role::Client) + PLAIN_FEATURES } else { String::new() };
        begin + &parts.concat()
    })
}

proptest! {
    #[test]
    fn however_the_octets_arrive_the_verdict_is_the_same(
        text in dialogues(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        deep in any::<bool>(),
    ) {
        // What comes behind <proceed/> in the same piece is injected; in a later one it is TLS. So it is kept whole.
        let octets = text.as_bytes();
        let end = text.find(PROCEED).map_or(octets.len(), |at| at + PROCEED.len() - 1);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(end + 1)).collect();
        places.extend([0, octets.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &octets[pair[0]..pair[1]]).collect();
        let (check, depth) = (xmpp(Role::Client, false), if deep { Depth::Deep } else { Depth::Shallow });
        prop_assert_eq!(play(&check, depth, &pieces), play(&check, depth, &[octets]));
    }

    #[test]
    fn octets_from_anywhere_are_no_server(
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        headed in any::<bool>(),
        direct in any::<bool>(),
    ) {
        let begin = if headed { header(Role::Client) } else { String::new() };
        let octets = [begin.as_bytes(), &garbage].concat();
        let (came, _) = play(&xmpp(Role::Client, direct), Depth::Deep, &[&octets]);
        prop_assert!(came.iter().all(|(turn, _)| !["pass", "ask", "secure"].contains(turn)), "{:?}", came);
    }
}

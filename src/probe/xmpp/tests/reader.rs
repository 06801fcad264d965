//! XML to elements: what is read, what is refused, where it ends.

use proptest::prelude::*;

use crate::probe::xmpp::MalformedStream;
use crate::probe::xmpp::element::{ElementReader, Event};

/// Reads a whole text; the events up to its end or its first fault.
fn read(text: &[u8]) -> (Vec<Event>, Option<MalformedStream>) {
    let mut reader = ElementReader::new();
    let mut events = Vec::new();
    for &octet in text {
        match reader.push(octet) {
            Ok(event) => events.extend(event),
            Err(fault) => return (events, Some(fault)),
        }
    }
    (events, None)
}

fn fault(text: &[u8]) -> String {
    read(text).1.map_or_else(|| "none".to_owned(), |fault| fault.to_string())
}

#[test]
fn elements_are_read_with_namespaces_attributes_and_text() {
    let (events, fault) = read(
        b"<?xml version=\"1.0\" encoding='UTF-8'?>\n<s:r a='1' xmlns='d' xmlns:s = \"streams\" xml:lang='en'>\n \
          <e b='&lt;&#x41;&#66;&apos;\"' ><s:i/>x &amp; <![CDATA[<y]]>]]&gt;</e ><n xmlns=''/></s:r> ",
    );
    assert_eq!(fault, None);
    let [Event::Opened(root, declared), Event::Stanza(e), Event::Stanza(n), Event::Closed] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(root.is("streams", "r") && root.attribute("a") == Some("1") && root.attribute("xml:lang") == Some("en"));
    assert_eq!(declared.iter().map(|namespace| &**namespace).collect::<Vec<_>>(), ["d", "streams"]);
    assert!(e.is("d", "e"));
    assert_eq!(e.attribute("b"), Some("<AB'\""));
    assert!(e.child("streams", "i").is_some() && e.child("d", "i").is_none());
    assert_eq!(e.text, "x & <y]]>");
    assert!(n.is("", "n"));
}

#[test]
fn what_xmpp_forbids_is_refused_where_it_begins() {
    for (text, part) in [
        ("<!DOCTYPE lolz [<!ENTITY lol \"lol\">]><a/>", "a document type, which XMPP forbids (RFC 6120 §11)"),
        ("<a><!DOCTYPE x", "a document type"),
        ("<a><!-- hello --></a>", "a comment"),
        ("<a><b><!-", "a comment"),
        ("<a><?php echo ?></a>", "a processing instruction"),
        ("<?xml-stylesheet href='x'?><a/>", "a processing instruction"),
        (" <?xml version='1.0'?><a/>", "a processing instruction"),
        ("<a><?xml version='1.0'?></a>", "a processing instruction"),
        ("<a><b>&lol9;</b></a>", "an entity"),
        ("<a b='&lol;'/>", "an entity"),
        ("<?xml version='1.0' encoding='utf-16'?><a/>", "an encoding other than UTF-8"),
    ] {
        let fault = fault(text.as_bytes());
        assert!(fault.starts_with(part) && fault.contains("RFC 6120 §11"), "{text}: {fault}");
    }
}

#[test]
fn what_is_no_xml_is_refused() {
    for text in [
        "220 mail.example ESMTP\r\n",
        "\u{1}\u{2}",
        "\u{feff}<a>",
        "<>",
        "< a>",
        "<1>",
        "<a:b:c>",
        "<:a>",
        "<a b>",
        "<a b=c>",
        "<a b='1'c='2'>",
        "<a b='1' b='2'>",
        "<a b='<'>",
        "<a <b>",
        "<a:b>",
        "<a b:c='1'>",
        "<a xmlns:b=''>",
        "<a xmlns:xml='x'>",
        "<a/>",
        "</a>",
        "<a></b>",
        "<a><b></a>",
        "<a>text",
        "<a><b/>text",
        "<a></a>text",
        "<a></a><b>",
        "<a><b>&#0;</b>",
        "<a><b>&#xD800;</b>",
        "<a><b>&#+65;</b>",
        "<a><b>&#;</b>",
        "<a b='&lt'/>",
        "<?xml version='2'?>",
    ] {
        assert!(fault(text.as_bytes()).starts_with("not well-formed XML"), "{text}: {}", fault(text.as_bytes()));
    }
    assert_eq!(fault(b"<a><b>\xff</b>"), "not well-formed XML (no UTF-8)");
    assert_eq!(fault(b"<a b='\xc3\x28'>"), "not well-formed XML (no UTF-8)");
}

#[test]
fn every_limit_holds() {
    let deep = "<a>".repeat(17);
    let flat = format!("<a>{}", "<b/>".repeat(1024));
    let wide = format!("<a {}>", (0..33).map(|index| format!("x{index}='' ")).collect::<String>());
    let long = format!("<a b='{}'>", "x".repeat(9000));
    let text = format!("<a><b>{}", "x".repeat(70_000));
    let space = format!("<a>{}", " ".repeat(70_000));
    for (text, part) in [
        (deep, "elements nested deeper than 16"),
        (flat, "more than 1024 elements and attributes"),
        (wide, "more than 32 attributes"),
        (long, "a tag of more than 8 KiB"),
        (text, "more than 64 KiB"),
        (space, "more than 64 KiB"),
        (format!("<a><b>&{}", "x".repeat(20)), "a reference without its end"),
        (format!("<?xml {}", " ".repeat(300)), "an XML declaration without its end"),
    ] {
        assert_eq!(fault(text.as_bytes()), part);
    }
}

proptest! {
    #[test]
    fn garbage_gives_no_more_than_it_has(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let (events, _) = read(&text);
        prop_assert!(events.len() <= text.len());
    }

    #[test]
    fn near_xml_gives_no_more_than_it_has(text in "(<|>|</|/>|'|\"|=|&|;|a|b:|xmlns|:|!|\\?|\\[|\\]|-| |#x4)*") {
        let (events, _) = read(text.as_bytes());
        prop_assert!(events.len() <= text.len());
    }
}

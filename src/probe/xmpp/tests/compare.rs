//! Our reader and quick-xml see the same elements in what both accept.

use proptest::prelude::*;
use quick_xml::NsReader;
use quick_xml::events::Event as Theirs;
use quick_xml::name::ResolveResult;

use crate::probe::xmpp::element::{Element, ElementReader, Event};

/// One thing seen, the same for both: `{namespace}name`, then attributes, or text, or an end.
type Seen = Vec<String>;

fn ours(text: &str) -> Seen {
    let (mut reader, mut seen) = (ElementReader::new(), Vec::new());
    for octet in text.bytes() {
        match reader.push(octet).unwrap_or_else(|fault| panic!("{fault}: {text}")) {
            Some(Event::Opened(root, _)) => seen.extend(begin(&root)),
            Some(Event::Stanza(element)) => tell(&element, &mut seen),
            Some(Event::Closed) => seen.push("end".to_owned()),
            None => {}
        }
    }
    seen
}

fn begin(element: &Element) -> Seen {
    let mut seen = vec![format!("{{{}}}{}", element.namespace, element.name)];
    seen.extend(element.attributes.iter().map(|(name, value)| format!("{name}={value}")));
    seen
}

/// Tells an element; texts of one element are one, in front of its children: the generated ones stand there.
fn tell(element: &Element, seen: &mut Seen) {
    seen.extend(begin(element));
    if !element.text.is_empty() {
        seen.push(format!("text {}", element.text));
    }
    element.children.iter().for_each(|child| tell(child, seen));
    seen.push("end".to_owned());
}

fn theirs(text: &str) -> Seen {
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut seen, mut letters) = (Vec::new(), String::new());
    loop {
        let (namespace, event) = reader.read_resolved_event().unwrap();
        if !letters.is_empty() && matches!(event, Theirs::Start(_) | Theirs::End(_)) {
            seen.push(format!("text {}", std::mem::take(&mut letters)));
        }
        match event {
            Theirs::Start(tag) => {
                let namespace = match namespace {
                    ResolveResult::Bound(namespace) => namespace.0.to_owned(),
                    ResolveResult::Unbound => String::new(),
                    ResolveResult::Unknown(prefix) => panic!("{prefix:?}"),
                };
                seen.push(format!("{{{namespace}}}{}", tag.local_name().as_ref()));
                for attribute in tag.attributes().map(Result::unwrap) {
                    let name = attribute.key.as_ref();
                    if !name.starts_with("xmlns") {
                        let raw = &attribute.value;
                        seen.push(format!("{name}={}", quick_xml::escape::unescape(raw).unwrap()));
                    }
                }
            }
            Theirs::End(_) => seen.push("end".to_owned()),
            Theirs::Text(text) => letters.push_str(&text),
            Theirs::GeneralRef(name) => {
                let name = &*name;
                letters.push_str(&quick_xml::escape::unescape(&format!("&{name};")).unwrap());
            }
            Theirs::Eof => return seen,
            other @ (Theirs::Empty(_)
            | Theirs::CData(_)
            | Theirs::Comment(_)
            | Theirs::Decl(_)
            | Theirs::PI(_)
            | Theirs::DocType(_)) => panic!("{other:?}"),
        }
    }
}

/// Writes an element below the root, in every manner that is allowed.
fn element() -> impl Strategy<Value = String> {
    let name = "(s:|p:|)[a-z_][a-z0-9.-]{0,6}";
    let value = "([a-zA-Z0-9 ß€<>&'\"]|&#9731;){0,12}";
    let attributes = prop::collection::btree_map("[a-z]{1,4}[0-9]", (value, any::<bool>()), 0..4);
    let own = prop::option::of("[a-z:/.]{1,12}");
    let head = (name, attributes, own).prop_map(|(name, attributes, own)| {
        let mut text = name.clone();
        for (name, (value, double)) in attributes {
            let value = value.replace("&#9731;", "\u{2603}");
            let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('\u{2603}', "&#9731;");
            let (quote, value) =
                if double { ('"', value.replace('"', "&quot;")) } else { ('\'', value.replace('\'', "&#39;")) };
            text.push_str(&format!(" {name}={quote}{value}{quote}"));
        }
        if let Some(own) = own {
            text.push_str(&format!(" xmlns='{own}'"));
        }
        (name, text)
    });
    let leaf = (head.clone(), "[a-zA-Z0-9ß€ ]{0,8}", any::<bool>()).prop_map(|((name, head), text, reference)| {
        if text.is_empty() && !reference {
            return format!("<{head}/>");
        }
        format!("<{head}>{text}{}</{name}>", if reference { "&amp;&#x41;" } else { "" })
    });
    leaf.prop_recursive(4, 24, 4, move |inner| {
        (head.clone(), prop::collection::vec(inner, 0..4))
            .prop_map(|((name, head), children)| format!("<{head} >{}</{name}>", children.concat()))
    })
}

proptest! {
    #[test]
    fn both_readers_see_the_same(stanzas in prop::collection::vec(element(), 0..4)) {
        let text = format!("<s:stream xmlns='d' xmlns:s='streams' xmlns:p='p'>{}</s:stream>", stanzas.concat());
        prop_assert_eq!(ours(&text), theirs(&text), "{}", text);
    }
}

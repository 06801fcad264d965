//! Tags to elements: one stream's header, the elements directly within it, its end.
//!
//! | limit | value |
//! |---|---|
//! | octets of a stream | 64 KiB |
//! | a tag | 8 KiB, 32 attributes |
//! | depth | 16 |
//! | elements and attributes within the stream | 1,024 |

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::sync::Arc;

use super::MalformedStream;
use super::lexer::Lexer;
use super::tag::{Tag, utf8};

/// What a stream brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The root has opened: the stream header, with the namespaces that it declares for no prefix or any.
    Opened(Element, Vec<Arc<str>>),
    /// An element directly within the stream, whole.
    Stanza(Element),
    /// The root has closed.
    Closed,
}

/// An element with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// The namespace; empty for none.
    pub(super) namespace: Arc<str>,
    /// The name within it.
    pub(super) name: String,
    /// The attributes, names as written; declarations of namespaces left out.
    pub(super) attributes: Vec<(String, String)>,
    /// The elements in it.
    pub(super) children: Vec<Self>,
    /// The text directly in it.
    pub(super) text: String,
}

impl Element {
    /// Returns whether it has this namespace and name.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        &*self.namespace == namespace && self.name == name
    }

    /// Returns the value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the first child of this namespace and name.
    pub(super) fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }
}

/// Reads one stream.
#[derive(Debug)]
pub(super) struct ElementReader {
    lexer: Lexer,
    /// Every declaration in force, outermost first: prefix, namespace.
    scopes: Vec<(String, Arc<str>)>,
    /// The elements under way, the root first.
    open: Vec<Open>,
    octets: usize,
    nodes: usize,
    closed: bool,
}

#[derive(Debug)]
struct Open {
    /// The name as written.
    name: String,
    element: Element,
    /// How many declarations were in force around it.
    outside: usize,
}

impl ElementReader {
    /// Begins before the first octet of a stream.
    pub(super) const fn new() -> Self {
        Self { lexer: Lexer::new(), scopes: Vec::new(), open: Vec::new(), octets: 0, nodes: 0, closed: false }
    }

    /// Takes one octet; returns what it completes.
    pub(super) fn push(&mut self, octet: u8) -> Result<Option<Event>, MalformedStream> {
        self.octets = self.octets.saturating_add(1);
        if self.octets > OCTETS_MAX {
            return Err(MalformedStream::Limit("more than 64 KiB"));
        }
        let tag = self.lexer.push(octet)?;
        match self.open.as_mut_slice() {
            // Between stanzas only white space may stand (RFC 6120 §11.7).
            [] | [_] if !self.lexer.drop_space() => {
                return Err(MalformedStream::Syntax("text where an element should be"));
            }
            [_, .., innermost] if tag.is_some() => {
                innermost.element.text.push_str(utf8(&self.lexer.take_text())?);
            }
            _ => {}
        }
        match tag {
            None => Ok(None),
            Some(Tag::Open { name, attributes, empty }) => {
                let root = self.open(name, attributes)?;
                if !empty {
                    return Ok(root);
                }
                if root.is_some() {
                    Err(MalformedStream::Syntax("a stream that ends with its header"))
                } else {
                    self.close()
                }
            }
            Some(Tag::Close { name }) => {
                if self.open.last().is_none_or(|open| open.name != name) {
                    return Err(MalformedStream::Syntax("an end tag that closes nothing"));
                }
                self.close()
            }
        }
    }

    fn open(&mut self, name: String, attributes: Vec<(String, String)>) -> Result<Option<Event>, MalformedStream> {
        if self.closed {
            return Err(MalformedStream::Syntax("an element behind the end of the stream"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(MalformedStream::Limit("elements nested deeper than 16"));
        }
        self.nodes = self.nodes.saturating_add(attributes.len()).saturating_add(1);
        if self.nodes > NODES_MAX {
            return Err(MalformedStream::Limit("more than 1024 elements and attributes"));
        }
        let outside = self.scopes.len();
        let mut plain = Vec::new();
        for (name, value) in attributes {
            match name.strip_prefix("xmlns") {
                Some("") => self.scopes.push((String::new(), value.into())),
                Some(prefix) if prefix.starts_with(':') => self.declare(prefix.trim_start_matches(':'), value)?,
                Some(_) | None => plain.push((name, value)),
            }
        }
        for (name, _) in &plain {
            if let Some((prefix, _)) = name.split_once(':') {
                self.namespace(prefix)?;
            }
        }
        let (prefix, local) = name.split_once(':').unwrap_or(("", &name));
        let namespace = self.namespace(prefix)?;
        let element =
            Element { namespace, name: local.to_owned(), attributes: plain, children: Vec::new(), text: String::new() };
        let root = self.open.is_empty().then(|| {
            let declared = self.scopes.iter().map(|(_, namespace)| Arc::clone(namespace)).collect();
            Event::Opened(element.clone(), declared)
        });
        self.open.push(Open { name, element, outside });
        Ok(root)
    }

    fn close(&mut self) -> Result<Option<Event>, MalformedStream> {
        let ended = self.open.pop().ok_or(MalformedStream::Syntax("an end tag that closes nothing"))?;
        self.scopes.truncate(ended.outside);
        match self.open.as_mut_slice() {
            [] => {
                self.closed = true;
                Ok(Some(Event::Closed))
            }
            [_] => Ok(Some(Event::Stanza(ended.element))),
            [_, .., parent] => {
                parent.element.children.push(ended.element);
                Ok(None)
            }
        }
    }

    fn declare(&mut self, prefix: &str, namespace: String) -> Result<(), MalformedStream> {
        if namespace.is_empty() || matches!(prefix, "xml" | "xmlns") {
            return Err(MalformedStream::Syntax("a prefix that may not be declared so"));
        }
        self.scopes.push((prefix.to_owned(), namespace.into()));
        Ok(())
    }

    /// Returns the namespace of a prefix; the empty prefix is the default's.
    fn namespace(&self, prefix: &str) -> Result<Arc<str>, MalformedStream> {
        if prefix == "xml" {
            return Ok(XML.into());
        }
        let known = self.scopes.iter().rev().find(|(known, _)| known == prefix);
        match known {
            Some((_, namespace)) => Ok(Arc::clone(namespace)),
            None if prefix.is_empty() => Ok("".into()),
            None => Err(MalformedStream::Syntax("a prefix that is not declared")),
        }
    }
}

/// The most octets of one stream; a real one has 1 to 4 KiB up to its features.
const OCTETS_MAX: usize = 65_536;
/// The most elements within each other, the stream itself included.
const DEPTH_MAX: usize = 16;
/// The most elements and attributes of one stream.
const NODES_MAX: usize = 1024;
const XML: &str = "http://www.w3.org/XML/1998/namespace";

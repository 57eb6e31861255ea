//! XML as a tree of elements, within limits; and reading attributes off it with errors that say where.

use std::path::Path;

use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::ImportError;

/// Elements inside elements.
const DEPTH_MAX: usize = 16;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 256;

/// Elements of a document.
const ELEMENTS_MAX: usize = 20_000_000;
/// Attributes of a document.
const ALL_ATTRIBUTES_MAX: usize = 60_000_000;
/// Longest name.
const NAME_MAX: usize = 128;

/// No element.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Node<'a> {
    name: &'a str,
    /// Where its attributes start in the document's list, and how many there are.
    attributes: (u32, u32),
    children: u32,
    first_child: u32,
    last_child: u32,
    next: u32,
}

/// A parsed file: elements in the order of their opening tags, the outermost one first. Names and values are slices of the file's text.
#[derive(Debug)]
pub(super) struct Document<'a> {
    file: &'a Path,
    nodes: Vec<Node<'a>>,
    /// Name and value, as written: entities are not replaced.
    attributes: Vec<(&'a str, &'a str)>,
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    document: &'a Document<'a>,
    node: u32,
}

impl<'a> Document<'a> {
    /// Parse.
    ///
    /// # Errors
    /// It is not XML, or beyond the limits.
    pub(super) fn parse(file: &'a Path, text: &'a str) -> Result<Self, ImportError> {
        let mut document = Self {
            file,
            nodes: Vec::new(),
            attributes: Vec::new(),
        };
        let mut reader = Reader::from_str(text);
        let mut open: Vec<u32> = Vec::new();
        loop {
            let event = reader.read_event();
            let at = (reader.buffer_position() as usize).min(text.len());
            let refuse = |message: String| {
                let line = 1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
                document_error(file, format!("line {line}: {message}"))
            };
            match event.map_err(|error| refuse(format!("found broken XML: {error}")))? {
                Event::Start(start) => {
                    if open.len() == DEPTH_MAX {
                        return Err(refuse(format!("found elements nested deeper than {DEPTH_MAX}")));
                    }
                    open.push(document.open(text, &start, open.last().copied()).map_err(refuse)?);
                }
                Event::Empty(start) => {
                    document.open(text, &start, open.last().copied()).map_err(refuse)?;
                }
                Event::End(_) => {
                    open.pop()
                        .ok_or_else(|| refuse("found a closing tag that closes nothing".into()))?;
                }
                Event::Eof => {
                    return match open.last() {
                        Some(last) => Err(refuse(format!(
                            "found the end of the file inside <{}>",
                            shown(document.nodes[*last as usize].name)
                        ))),
                        None if document.nodes.is_empty() => Err(document_error(file, "found no element at all".into())),
                        None => Ok(document),
                    };
                }
                Event::DocType(_) => return Err(refuse("found a document type, expected none".into())),
                Event::Text(text) if text.trim().is_empty() => {}
                Event::Decl(_) | Event::Comment(_) => {}
                _ => return Err(refuse("found text, expected elements with attributes only".into())),
            }
        }
    }

    /// Append an element behind its parent's last child.
    fn open(&mut self, text: &'a str, start: &BytesStart<'_>, parent: Option<u32>) -> Result<u32, String> {
        let name = start.name();
        let name = slice(text, name.as_ref()).ok_or("found a broken name")?;
        if name.len() > NAME_MAX {
            return Err(format!("found a name longer than {NAME_MAX} bytes"));
        }
        let node = self.nodes.len() as u32;
        if self.nodes.len() == ELEMENTS_MAX {
            return Err(format!("found more than {ELEMENTS_MAX} elements"));
        }
        let first = self.attributes.len();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| format!("found a broken attribute in <{}>: {error}", shown(name)))?;
            let key = slice(text, attribute.key.as_ref());
            let value = slice(text, attribute.value.as_ref());
            let (Some(key), Some(value)) = (key, value) else {
                return Err(format!("found a broken attribute in <{}>", shown(name)));
            };
            if self.attributes.len() - first == ATTRIBUTES_MAX {
                return Err(format!("found more than {ATTRIBUTES_MAX} attributes in <{}>", shown(name)));
            }
            if self.attributes.len() == ALL_ATTRIBUTES_MAX {
                return Err(format!("found more than {ALL_ATTRIBUTES_MAX} attributes"));
            }
            self.attributes.push((key, value));
        }
        self.nodes.push(Node {
            name,
            attributes: (first as u32, (self.attributes.len() - first) as u32),
            children: 0,
            first_child: NONE,
            last_child: NONE,
            next: NONE,
        });
        match parent {
            Some(parent) => {
                let parent = &mut self.nodes[parent as usize];
                parent.children += 1;
                let before = std::mem::replace(&mut parent.last_child, node);
                match before {
                    NONE => parent.first_child = node,
                    before => self.nodes[before as usize].next = node,
                }
            }
            None if node > 0 => return Err(format!("found <{}> behind the end of the document", shown(name))),
            None => {}
        }
        Ok(node)
    }

    /// The outermost element, which must have this name.
    ///
    /// # Errors
    /// It is another one.
    pub(super) fn root(&'a self, name: &str) -> Result<Element<'a>, ImportError> {
        let root = Element { document: self, node: 0 };
        if root.name() == name {
            return Ok(root);
        }
        Err(root.refuse(format!(
            "expected <{name}> as the outermost element: give OpenMM's serialised {name} here"
        )))
    }
}

fn document_error(file: &Path, message: String) -> ImportError {
    ImportError::Content {
        file: file.to_owned(),
        message,
    }
}

/// The part of `text` that `part` borrows; none where it was copied elsewhere.
fn slice(text: &str, part: impl AsRef<[u8]>) -> Option<&str> {
    let part = part.as_ref();
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    text.get(start..start + part.len())
}

/// The elements inside one.
#[derive(Clone, Debug)]
pub(super) struct Children<'a> {
    document: &'a Document<'a>,
    next: u32,
    left: usize,
}

impl<'a> Iterator for Children<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let node = self.next;
        if node == NONE {
            return None;
        }
        self.next = self.document.nodes[node as usize].next;
        self.left -= 1;
        Some(Element {
            document: self.document,
            node,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Children<'_> {}

impl<'a> Element<'a> {
    fn raw(&self) -> &'a Node<'a> {
        &self.document.nodes[self.node as usize]
    }

    /// Its name.
    pub(super) fn name(&self) -> &'a str {
        self.raw().name
    }

    /// What is inside it.
    pub(super) fn children(&self) -> Children<'a> {
        Children {
            document: self.document,
            next: self.raw().first_child,
            left: self.raw().children as usize,
        }
    }

    /// The one child of a name, if there is one.
    ///
    /// # Errors
    /// There are several.
    pub(super) fn find(&self, name: &str) -> Result<Option<Element<'a>>, ImportError> {
        let mut found = self.children().filter(|child| child.name() == name);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(self.refuse(format!("found several <{name}>, expected one"))),
        }
    }

    /// The one child of a name.
    ///
    /// # Errors
    /// There is none, or several.
    pub(super) fn child(&self, name: &str) -> Result<Element<'a>, ImportError> {
        self.find(name)?.ok_or_else(|| self.refuse(format!("found no <{name}>")))
    }

    /// All its attributes, names and values as written.
    pub(super) fn attributes(&self) -> &'a [(&'a str, &'a str)] {
        let (first, count) = self.raw().attributes;
        &self.document.attributes[first as usize..(first + count) as usize]
    }

    /// An attribute as written, if it is there.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes()
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }

    /// An attribute as written.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, ImportError> {
        self.attribute(name)
            .ok_or_else(|| self.refuse(format!("found no attribute '{name}'")))
    }

    /// An attribute with entities replaced, or an empty text.
    ///
    /// # Errors
    /// It holds a broken entity.
    pub(super) fn unescaped(&self, name: &str) -> Result<String, ImportError> {
        let text = self.attribute(name).unwrap_or_default();
        let plain = unescape(text).map_err(|error| self.refuse(format!("found a broken value of {name}: {error}")))?;
        Ok(plain.into_owned())
    }

    /// A finite number.
    ///
    /// # Errors
    /// It is not there, or not one.
    pub(super) fn number(&self, name: &str) -> Result<f64, ImportError> {
        let text = self.text(name)?;
        finite(text).ok_or_else(|| self.refuse(format!("found {name}=\"{}\", expected a finite number", shown(text))))
    }

    /// A finite number, or what stands for a missing one.
    ///
    /// # Errors
    /// It is there and not one.
    pub(super) fn number_or(&self, name: &str, missing: f64) -> Result<f64, ImportError> {
        self.attribute(name).map_or(Ok(missing), |_| self.number(name))
    }

    /// A whole number that fits i64.
    ///
    /// # Errors
    /// It is not there, or not one.
    pub(super) fn integer(&self, name: &str) -> Result<i64, ImportError> {
        let text = self.text(name)?;
        text.parse()
            .map_err(|_| self.refuse(format!("found {name}=\"{}\", expected a whole number", shown(text))))
    }

    /// A whole number, or what stands for a missing one.
    ///
    /// # Errors
    /// It is there and not one.
    pub(super) fn integer_or(&self, name: &str, missing: i64) -> Result<i64, ImportError> {
        self.attribute(name).map_or(Ok(missing), |_| self.integer(name))
    }

    /// The index of a particle or of another entry of a list.
    ///
    /// # Errors
    /// It is not there, or not a whole number from 0 to below 2³².
    pub(super) fn index(&self, name: &str) -> Result<u32, ImportError> {
        let value = self.integer(name)?;
        u32::try_from(value).map_err(|_| self.refuse(format!("found {name}=\"{value}\", expected an index")))
    }

    /// A flag, 0 or 1; 0 where it is missing.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ImportError> {
        match self.attribute(name) {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(text) => Err(self.refuse(format!("found {name}=\"{}\", expected 0 or 1", shown(text)))),
        }
    }

    /// An attribute must be this, or absent; `fix` says what to do otherwise.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn only(&self, name: &str, expected: &str, fix: &str) -> Result<(), ImportError> {
        match self.attribute(name) {
            Some(found) if found != expected => {
                Err(self.refuse(format!("found {name}=\"{}\", expected \"{expected}\": {fix}", shown(found))))
            }
            _ => Ok(()),
        }
    }

    /// Its `version`, which must be one from 1 to `latest`.
    ///
    /// # Errors
    /// It is missing, or a newer one.
    pub(super) fn version(&self, latest: i64) -> Result<i64, ImportError> {
        let version = self.integer("version")?;
        if (1..=latest).contains(&version) {
            return Ok(version);
        }
        let expected = if latest == 1 { "1".into() } else { format!("1 to {latest}") };
        Err(self.refuse(format!(
            "found version=\"{version}\", expected {expected}: a newer OpenMM wrote it than this reader knows (8.6)"
        )))
    }

    /// An error at this element.
    pub(super) fn refuse(&self, message: String) -> ImportError {
        let kind = self.attribute("type").filter(|kind| *kind != self.name());
        let kind = kind.map(|kind| format!(" type=\"{}\"", shown(kind))).unwrap_or_default();
        document_error(self.document.file, format!("<{}{kind}>: {message}", shown(self.name())))
    }
}

/// A finite number.
pub(super) fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Text from outside, short and printable.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(60).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Document::parse(Path::new("a.xml"), text).expect_err("broken").to_string()
    }

    #[test]
    fn attributes_and_children_come_out() {
        let document = Document::parse(
            Path::new("a.xml"),
            "<?xml version=\"1.0\" ?>\n<A x=\".5\">\n<!-- no --><B y=\"&lt;\"/>\n</A>",
        )
        .expect("XML");
        let root = document.root("A").expect("A");
        assert!((root.number("x").expect("a number") - 0.5).abs() < 1e-15);
        assert_eq!(root.child("B").expect("B").unescaped("y").expect("y"), "<");
        assert_eq!(root.children().len(), 1);
        assert_eq!(root.find("C").expect("none").map(|_| ()), None);
    }

    #[test]
    fn broken_files_are_refused_with_their_line() {
        assert!(
            error("<A>\n<B></A>").starts_with("a.xml: line 2: "),
            "{}",
            error("<A>\n<B></A>")
        );
        assert!(error("<A>\n").contains("end of the file inside <A>"));
        assert!(error("").contains("no element"));
        assert!(error("<A/><B/>").contains("behind the end"));
        assert!(error("<A>text</A>").contains("found text"));
        assert!(error("<!DOCTYPE A [<!ENTITY e \"x\">]><A/>").contains("document type"));
        assert!(error(&"<A>".repeat(100)).contains("deeper than 16"));
    }

    #[test]
    fn numbers_must_be_finite() {
        let document = Document::parse(Path::new("a.xml"), "<A x=\"nan\" y=\"1e999\" z=\"one\"/>").expect("XML");
        for name in ["x", "y", "z"] {
            let message = document
                .root("A")
                .expect("A")
                .number(name)
                .expect_err("not a number")
                .to_string();
            assert!(
                message.contains("expected a finite number") && message.contains(name),
                "{message}"
            );
        }
    }
}

//! XML as a tree of elements, within limits; and reading attributes off it with errors that say where.

use std::path::Path;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::ImportError;

/// Elements inside elements.
const DEPTH_MAX: usize = 16;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 256;

#[derive(Debug, Default)]
struct Raw {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Raw>,
}

/// A parsed file.
#[derive(Debug)]
pub(super) struct Document<'a> {
    file: &'a Path,
    root: Raw,
}

/// An element of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    file: &'a Path,
    raw: &'a Raw,
}

impl<'a> Document<'a> {
    /// Parse.
    ///
    /// # Errors
    /// It is not XML, or beyond the limits.
    pub(super) fn parse(file: &'a Path, text: &str) -> Result<Self, ImportError> {
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Raw> = Vec::new();
        let mut root = None;
        loop {
            let event = reader.read_event();
            let line = || {
                1 + text.as_bytes()[..(reader.buffer_position() as usize).min(text.len())]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count()
            };
            let refuse = |message: String| ImportError::Content {
                file: file.to_owned(),
                message: format!("line {}: {message}", line()),
            };
            let closed = match event.map_err(|error| refuse(format!("found broken XML: {error}")))? {
                Event::Start(start) => {
                    if open.len() == DEPTH_MAX {
                        return Err(refuse(format!("found elements nested deeper than {DEPTH_MAX}")));
                    }
                    open.push(element(&start).map_err(refuse)?);
                    continue;
                }
                Event::Empty(start) => element(&start).map_err(refuse)?,
                Event::End(_) => open
                    .pop()
                    .ok_or_else(|| refuse("found a closing tag that closes nothing".into()))?,
                Event::Eof if open.is_empty() => break,
                Event::Eof => {
                    return Err(refuse(format!(
                        "found the end of the file inside <{}>",
                        open[open.len() - 1].name
                    )));
                }
                Event::DocType(_) => return Err(refuse("found a document type, expected none".into())),
                Event::Text(text) if text.trim().is_empty() => continue,
                Event::Decl(_) | Event::Comment(_) => continue,
                _ => return Err(refuse("found text, expected elements with attributes only".into())),
            };
            match open.last_mut() {
                Some(parent) => parent.children.push(closed),
                None if root.is_none() => root = Some(closed),
                None => return Err(refuse(format!("found <{}> behind the end of the document", closed.name))),
            }
        }
        let message = "found no element at all".to_owned();
        root.map(|root| Self { file, root }).ok_or_else(|| ImportError::Content {
            file: file.to_owned(),
            message,
        })
    }

    /// The outermost element, which must have this name and, as its attribute `type`, a value that starts or ends with the name.
    ///
    /// # Errors
    /// It is another one.
    pub(super) fn root(&self, name: &str) -> Result<Element<'_>, ImportError> {
        let root = Element {
            file: self.file,
            raw: &self.root,
        };
        if self.root.name == name {
            return Ok(root);
        }
        Err(root.refuse(format!(
            "expected <{name}> as the outermost element: give OpenMM's serialised {name} here"
        )))
    }
}

fn element(start: &BytesStart<'_>) -> Result<Raw, String> {
    let mut raw = Raw {
        name: String::from_utf8_lossy(start.name().as_ref().as_ref()).into_owned(),
        ..Raw::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("found a broken attribute in <{}>: {error}", raw.name))?;
        let key = String::from_utf8_lossy(attribute.key.as_ref().as_ref()).into_owned();
        let value = attribute
            .normalized_value(XmlVersion::Explicit1_0)
            .map_err(|error| format!("found a broken value of {key}: {error}"))?;
        if raw.attributes.len() == ATTRIBUTES_MAX {
            return Err(format!("found more than {ATTRIBUTES_MAX} attributes in <{}>", raw.name));
        }
        raw.attributes.push((key, value.into_owned()));
    }
    Ok(raw)
}

impl<'a> Element<'a> {
    /// Its name.
    pub(super) fn name(&self) -> &'a str {
        &self.raw.name
    }

    /// What is inside it.
    pub(super) fn children(&self) -> impl ExactSizeIterator<Item = Element<'a>> + use<'a> {
        let file = self.file;
        self.raw.children.iter().map(move |raw| Element { file, raw })
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

    /// An attribute, if it is there.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.raw
            .attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// An attribute.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, ImportError> {
        self.attribute(name)
            .ok_or_else(|| self.refuse(format!("found no attribute '{name}'")))
    }

    /// A finite number.
    ///
    /// # Errors
    /// It is not there, or not one.
    pub(super) fn number(&self, name: &str) -> Result<f64, ImportError> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.refuse(format!("found {name}=\"{}\", expected a finite number", shown(text))))
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

    /// An error at this element.
    pub(super) fn refuse(&self, message: String) -> ImportError {
        let kind = self.attribute("type").filter(|kind| *kind != self.name());
        let kind = kind.map(|kind| format!(" type=\"{}\"", shown(kind))).unwrap_or_default();
        ImportError::Content {
            file: self.file.to_owned(),
            message: format!("<{}{kind}>: {message}", shown(self.name())),
        }
    }
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
        assert_eq!(root.child("B").expect("B").text("y").expect("y"), "<");
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

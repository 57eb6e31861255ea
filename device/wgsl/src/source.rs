//! WGSL files joined into one text, parsed and validated by naga, with errors that point into the author's own file.
//!
//! Invariant: whatever the text, the caller gets a module or an error. naga works on a thread of its own, whose stack is deep
//! enough for the longest expression that the limits allow, and whose panic, should there be one, is an error here.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::ops::Range;

use naga::valid::{Capabilities, ModuleInfo};
use protocol::Tier;

use crate::module::{self, Module, Stage, Target};
use crate::{ReadError, Refusal, Underflow};

/// Stack of the thread that naga runs on, bytes. Only what is used of it is ever touched.
const STACK_BYTES: usize = 1 << 30;
/// Characters of a source line that a message shows.
const SHOWN_CHARS_MAX: usize = 120;

/// Joined WGSL files, and where each begins.
#[derive(Clone, Debug)]
pub struct Source {
    /// Each file, and a line feed after each that does not end with one.
    text: String,
    /// Name and first byte of each file, in order.
    files: Vec<(String, usize)>,
}

/// A module that naga found valid, whatever a tier says of it.
#[derive(Debug)]
pub struct Parsed {
    /// naga's intermediate representation; spans are bytes of [`Source::text`].
    pub module: naga::Module,
    /// What validation found out about it.
    pub info: ModuleInfo,
}

/// What is wrong with a text: where, what was found, what was expected, and the line itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The author's file with line and column, or the names of all files.
    place: String,
    message: String,
    /// The line, a mark below it, and notes; empty without a place.
    excerpt: String,
    /// Bytes of the joined text, where known.
    span: Option<Range<usize>>,
}

impl SourceError {
    /// About the text as a whole. `label`: its name.
    pub fn whole(label: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self {
            place: label.to_string(),
            message: message.to_string(),
            excerpt: String::new(),
            span: None,
        }
    }

    /// What was found and what was expected, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Bytes of the joined text that it is about, where known.
    pub fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.place, self.message, self.excerpt)
    }
}

impl Error for SourceError {}

impl Source {
    /// Join files, given as name and text, in this order.
    pub fn join<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut text, mut files) = (String::new(), Vec::new());
        for (name, part) in parts {
            files.push((name.to_owned(), text.len()));
            text.push_str(part);
            if !part.ends_with('\n') {
                text.push('\n');
            }
        }
        Self { text, files }
    }

    /// The joined text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The files' names, for people.
    pub fn label(&self) -> String {
        self.files
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(" + ")
    }

    /// Read the text as every device does.
    ///
    /// # Errors
    /// The text is too large, not valid WGSL, or has no meaning in the tier.
    pub fn read(&self, tier: Tier, underflow: Underflow) -> Result<Module, SourceError> {
        guarded(&self.label(), || {
            Module::read(&self.text, tier, underflow).map_err(|error| self.error(error))
        })
    }

    /// One entry point of a module that this text was read to: [`Module::stage`].
    ///
    /// # Errors
    /// As there.
    pub fn stage(
        &self,
        module: &Module,
        entry: &str,
        overrides: &BTreeMap<String, f64>,
        target: Target,
    ) -> Result<Stage, SourceError> {
        guarded(&self.label(), || {
            let stage = module.stage(entry, overrides, target);
            stage.map_err(|error| self.error(error))
        })
    }

    /// Parse and validate only, with optional parts of WGSL: for tools that look at texts which may be refused.
    ///
    /// # Errors
    /// The text is too large or not valid WGSL; the message points into the author's own file.
    pub fn parse_with(&self, capabilities: Capabilities) -> Result<Parsed, SourceError> {
        guarded(&self.label(), || {
            let parse = || {
                module::within_limits(&self.text)?;
                let naga = module::parse(&self.text)?;
                let info = module::validate(&naga, capabilities)?;
                Ok(Parsed { module: naga, info })
            };
            parse().map_err(|error: ReadError| self.error(error))
        })
    }

    /// An error at a place of the joined text: `file:line:column: message`, and the line itself.
    pub fn error_at(&self, span: Option<Range<usize>>, message: &str) -> SourceError {
        self.refusal(&Refusal {
            message: message.to_owned(),
            span,
            ..Refusal::default()
        })
    }

    /// An error of the reader, at its place in the author's file.
    pub fn error(&self, error: ReadError) -> SourceError {
        match error {
            ReadError::Refused(refusal) => self.refusal(&refusal),
            ReadError::Limit { what, needed, limit } => {
                let message = format!("found {needed} for {what} expected at most {limit}");
                SourceError::whole(self.label(), message)
            }
            ReadError::Program(message) => SourceError::whole(self.label(), message),
        }
    }

    fn refusal(&self, refusal: &Refusal) -> SourceError {
        let Refusal {
            message, label, notes, ..
        } = refusal;
        let Some(span) = refusal.span.clone() else {
            return SourceError::whole(self.label(), message);
        };
        // naga describes a place by its own types, which say nothing to an author.
        let label = if label.contains("naga::") { "" } else { label };
        let place = self.place(span.start);
        let line: String = place
            .line
            .chars()
            .take(SHOWN_CHARS_MAX)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        // A span may reach over many lines: mark its first one.
        let width = self
            .text
            .get(span.clone())
            .map_or(1, |text| text.lines().next().unwrap_or("").chars().count());
        let column = place.column.min(SHOWN_CHARS_MAX);
        let width = width.clamp(1, SHOWN_CHARS_MAX + 1 - column);
        let number = place.number.to_string();
        let mut text = format!("\n{number} | {line}\n");
        let indent = " ".repeat(number.len());
        text.push_str(&format!("{indent} | {}{} {label}", " ".repeat(column - 1), "^".repeat(width)));
        let mut text = text.trim_end().to_owned();
        notes.iter().for_each(|note| text.push_str(&format!("\nnote: {note}")));
        SourceError {
            place: format!("{}:{}:{}", place.file, place.number, place.column),
            message: message.to_owned(),
            excerpt: text,
            span: Some(span),
        }
    }

    /// The place of a byte of the joined text in its author's file.
    pub fn place(&self, offset: usize) -> Place<'_> {
        let (file, start) = self
            .files
            .iter()
            .rev()
            .find(|(_, start)| *start <= offset)
            .map_or(("", 0), |(name, start)| (name.as_str(), *start));
        let offset = (start..=offset.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(start);
        let before = &self.text[start..offset];
        let line_start = start + before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file,
            number: before.matches('\n').count() + 1,
            column: self.text[line_start..offset].chars().count() + 1,
            line: self.text[line_start..].lines().next().unwrap_or(""),
        }
    }
}

/// A place in an author's file; line and column count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// File name inside the package.
    pub file: &'a str,
    /// Line.
    pub number: usize,
    /// Column, in characters.
    pub column: usize,
    /// The whole line, without its end.
    pub line: &'a str,
}

/// Run a job on WGSL where deep recursion has room, and a panic is an error. `label`: the text's name in that error.
///
/// # Errors
/// The job's own, or it panicked.
pub fn guarded<T: Send, E: From<SourceError> + Send>(label: &str, job: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E> {
    let ended = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("wgsl".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, job);
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match ended {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(SourceError::whole(
            label,
            "the WGSL compiler broke down over this text, expected WGSL that it can handle",
        )
        .into()),
        Err(error) => Err(SourceError::whole(label, format_args!("cannot start a thread to read WGSL: {error}")).into()),
    }
}

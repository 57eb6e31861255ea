//! WGSL files joined into one text, parsed and validated by naga, with errors that point into the author's own file.
//!
//! Invariant: whatever the text, the caller gets a module or an error. naga works on a thread of its own, whose stack is deep
//! enough for the longest expression that the limits allow, and whose panic, should there be one, is an error here.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use protocol::Tier;

use crate::{Underflow, strict};

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

/// A module that naga found valid.
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

    /// Parse and validate, with what every package of a tier may use; for the portable one, see that it can be lowered.
    ///
    /// # Errors
    /// The text is not valid WGSL, or has no meaning in the tier.
    pub fn parse(&self, tier: Tier, underflow: Underflow) -> Result<Parsed, SourceError> {
        let Tier::Portable = tier else {
            return self.parse_with(Capabilities::empty());
        };
        // Lowering does 16-bit floats inside f32 by integers.
        let parsed = self.parse_with(Capabilities::SHADER_FLOAT16_IN_FLOAT32)?;
        let policy = strict::Policy {
            underflow,
            native: false,
        };
        guarded(&self.label(), || {
            let lowered = strict::lower(&self.text, &parsed.module, &parsed.info, policy);
            lowered.map_err(|refusal| self.error_at(refusal.span, &refusal.message))
        })?;
        Ok(parsed)
    }

    /// Parse and validate, with optional parts of WGSL.
    ///
    /// # Errors
    /// The text is not valid WGSL; the message points into the author's own file.
    pub fn parse_with(&self, capabilities: Capabilities) -> Result<Parsed, SourceError> {
        guarded(&self.label(), || {
            let module = naga::front::wgsl::parse_str(&self.text).map_err(|error| {
                let labels: Vec<_> = error
                    .labels()
                    .map(|(span, text)| (span.to_range(), text.to_owned()))
                    .collect();
                let notes: Vec<_> = error.notes().map(str::to_owned).collect();
                self.error(error.message(), labels, &notes)
            })?;
            let info = Validator::new(ValidationFlags::all(), capabilities)
                .validate(&module)
                .map_err(|error| {
                    let labels = error.spans().map(|(span, text)| (span.to_range(), text.clone())).collect();
                    self.error(&chain(error.as_inner()), labels, &[])
                })?;
            Ok(Parsed { module, info })
        })
    }

    /// An error at a place of the joined text: `file:line:column: message`, and the line itself.
    pub fn error_at(&self, span: Option<Range<usize>>, message: &str) -> SourceError {
        self.error(message, vec![(span, String::new())], &[])
    }

    fn error(&self, message: &str, labels: Vec<(Option<Range<usize>>, String)>, notes: &[String]) -> SourceError {
        let Some((span, label)) = labels.into_iter().find_map(|(span, label)| Some((span?, label))) else {
            return SourceError::whole(self.label(), message);
        };
        // naga describes a place by its own types, which say nothing to an author.
        let label = if label.contains("naga::") { String::new() } else { label };
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

/// An error with what caused it.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
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

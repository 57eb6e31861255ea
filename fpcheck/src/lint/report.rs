//! Findings, in the author's own files.

use kernels::package::source::Source;
use serde::Serialize;

use super::rules::Rule;
use super::scope::Hit;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Bits may well come out right; the author should know.
    Warning,
    /// Bits depend on what they must not depend on.
    Error,
}

impl Level {
    /// As people and SARIF write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A region of a file. Lines and columns count from 1, columns in characters; the end is the column after the last character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// File name, as the package's manifest or the command line has it.
    pub file: String,
    /// First line.
    pub line: usize,
    /// First column.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column after the last one.
    pub end_column: usize,
    /// The first line's text.
    pub text: String,
}

/// Something that a rule found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static Rule,
    /// How bad it is in the tier that was looked at.
    pub level: Level,
    /// What was found.
    pub message: String,
    /// Where.
    pub place: Place,
    /// Another place that belongs to it, and what is there.
    pub related: Option<(Place, String)>,
    /// The author accepts it, for this reason.
    pub allowed: Option<String>,
}

/// All findings about a subject, by file and line.
#[derive(Clone, Debug, Default)]
pub struct LintReport {
    /// What was looked at, for people.
    pub subject: String,
    /// Findings, those that the author accepts among them.
    pub findings: Vec<Finding>,
    /// Folder that the files are in, as given on the command line; empty where file names stand for themselves.
    pub folder: String,
}

impl LintReport {
    /// Findings that the author does not accept, of a level.
    pub fn count(&self, level: Level) -> usize {
        let counted = |finding: &&Finding| finding.level == level && finding.allowed.is_none();
        self.findings.iter().filter(counted).count()
    }

    /// Sort, and drop what was found twice: a file may be part of several passes.
    pub(super) fn tidy(&mut self) {
        let key = |finding: &Finding| (finding.place.clone(), finding.rule.id);
        self.findings
            .sort_by(|a, b| key(a).cmp(&key(b)).then(a.message.cmp(&b.message)));
        self.findings.dedup_by(|a, b| key(a) == key(b));
    }
}

/// A hit in the author's file.
pub(super) fn finding(rule: &'static Rule, level: Level, hit: Hit, source: &Source) -> Finding {
    Finding {
        rule,
        level,
        message: hit.message,
        place: place(source, hit.span),
        related: hit.related.map(|(span, text)| (place(source, span), text)),
        allowed: None,
    }
}

pub(super) fn place(source: &Source, span: std::ops::Range<usize>) -> Place {
    let first = source.place(span.start);
    let end = source.place(span.end.max(span.start));
    // Blocks' spans may reach far; a span never ends in another file than it begins in.
    let (end_line, end_column) = if end.file == first.file && (end.number, end.column) > (first.number, first.column) {
        (end.number, end.column)
    } else {
        (first.number, first.column + 1)
    };
    Place {
        file: first.file.to_owned(),
        line: first.number,
        column: first.column,
        end_line,
        end_column,
        text: first.line.to_owned(),
    }
}

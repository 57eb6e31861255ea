//! What a rule looks at: one text that passes are made of, parsed, with the entry points that run it.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;

use kernels::package::source::{Parsed, Source};
use naga::{Expression, Module, Statement};

use super::ir::{self, Body};
use super::lexer::{self, Token};
use super::trace::{self, Overrides, Trace};

/// An entry point, and how it is run.
pub(super) struct Point<'a> {
    pub(super) module: &'a Module,
    /// Index of the entry point.
    pub(super) entry: usize,
    pub(super) overrides: Overrides,
    /// Whether an `override` without a value here has its default.
    pub(super) defaults: bool,
    /// Workgroups in x, y and z, where they are known.
    pub(super) groups: Option<[u32; 3]>,
    /// Bytes that a binding is bound to, where they are known.
    pub(super) bytes: BTreeMap<u32, u64>,
    pub(super) bodies: Vec<Body<'a>>,
}

/// A parsed text.
pub(super) struct Scope<'a> {
    pub(super) source: &'a Source,
    pub(super) parsed: &'a Parsed,
    pub(super) points: Vec<Point<'a>>,
    tokens: OnceCell<Vec<Token<'a>>>,
    traces: OnceCell<Vec<Trace>>,
}

/// What a rule found, before it is put into the author's words and files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// Bytes of the joined text.
    pub(super) span: Range<usize>,
    pub(super) message: String,
    /// Another place that belongs to it, and what is there.
    pub(super) related: Option<(Range<usize>, String)>,
}

impl Hit {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            related: None,
        }
    }
}

/// How an entry point is run: its name, `override` values by name or number, workgroups and buffers.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) entry: String,
    pub(super) overrides: Vec<(String, f64)>,
    pub(super) groups: Option<[u32; 3]>,
    /// Bytes that a binding is bound to.
    pub(super) bytes: BTreeMap<u32, u64>,
}

impl<'a> Scope<'a> {
    /// `runs`: the passes made of this text; `None` where only the text is known, whose entry points are then all looked at.
    pub(super) fn new(source: &'a Source, parsed: &'a Parsed, runs: Option<&[Run]>) -> Self {
        let mut scope = Self {
            source,
            parsed,
            points: Vec::new(),
            tokens: OnceCell::new(),
            traces: OnceCell::new(),
        };
        let module = &parsed.module;
        let number = |name: &str| {
            let named = |constant: &naga::Override| {
                constant.name.as_deref() == Some(name) || constant.id.is_some_and(|id| id.to_string() == name)
            };
            module
                .overrides
                .iter()
                .find(|(_, constant)| named(constant))
                .map(|(handle, _)| handle.index())
        };
        let point = |entry: usize, run: Option<&Run>| Point {
            module,
            entry,
            overrides: (run.iter().flat_map(|run| &run.overrides))
                .filter_map(|(name, value)| Some((number(name)?, *value)))
                .collect(),
            defaults: run.is_some(),
            groups: run.and_then(|run| run.groups),
            bytes: run.map(|run| run.bytes.clone()).unwrap_or_default(),
            bodies: ir::bodies(parsed),
        };
        let points = &module.entry_points;
        scope.points = match runs {
            None => (0..points.len()).map(|entry| point(entry, None)).collect(),
            Some(runs) => (runs.iter())
                .filter_map(|run| {
                    let entry = points.iter().position(|point| point.name == run.entry)?;
                    Some(point(entry, Some(run)))
                })
                .collect(),
        };
        scope
    }

    pub(super) fn module(&self) -> &'a Module {
        &self.parsed.module
    }

    /// Functions and entry points.
    pub(super) fn bodies(&self) -> Vec<Body<'a>> {
        ir::bodies(self.parsed)
    }

    /// Hits at the expressions about which a rule has something to say.
    pub(super) fn at_expressions(&self, say: impl Fn(&Body<'a>, &'a Expression) -> Option<&'static str>) -> Vec<Hit> {
        let mut hits = Vec::new();
        for body in self.bodies() {
            let found = body
                .expressions()
                .filter_map(|(_, expression, span)| Some(Hit::new(span, say(&body, expression)?)));
            hits.extend(found);
        }
        hits
    }

    /// Hits at the statements about which a rule has something to say.
    pub(super) fn at_statements(&self, say: impl Fn(&Body<'a>, &'a Statement) -> Option<&'static str>) -> Vec<Hit> {
        let mut hits = Vec::new();
        for body in self.bodies() {
            let found = body.statements().into_iter();
            hits.extend(found.filter_map(|(statement, span)| Some(Hit::new(span, say(&body, statement)?))));
        }
        hits
    }

    /// The text's words.
    pub(super) fn tokens(&self) -> &[Token<'a>] {
        self.tokens.get_or_init(|| lexer::tokens(self.source.text()))
    }

    /// Each entry point walked.
    pub(super) fn traces(&self) -> &[Trace] {
        self.traces.get_or_init(|| self.points.iter().map(trace::trace).collect())
    }

    /// The name of a global variable.
    pub(super) fn name(&self, variable: naga::Handle<naga::GlobalVariable>) -> &'a str {
        self.module().global_variables[variable].name.as_deref().unwrap_or("")
    }

    /// Whether any type or literal is made of such scalars.
    pub(super) fn has_scalar(&self, wanted: impl Fn(naga::Scalar) -> bool) -> bool {
        use naga::TypeInner as T;
        let typed = self.module().types.iter().any(|(_, ty)| match &ty.inner {
            T::Scalar(scalar) | T::Atomic(scalar) | T::Vector { scalar, .. } | T::Matrix { scalar, .. } => wanted(*scalar),
            T::ValuePointer { scalar, .. } => wanted(*scalar),
            _ => false,
        });
        let literal = |expression: &Expression| match expression {
            Expression::Literal(literal) => wanted(literal.scalar()),
            _ => false,
        };
        typed
            || self
                .bodies()
                .iter()
                .any(|body| body.expressions().any(|(_, expression, _)| literal(expression)))
    }

    /// Where a built-in value is asked for: `@builtin(name)`.
    pub(super) fn builtins(&self, name: &str) -> Vec<Range<usize>> {
        let words: Vec<&Token<'_>> = (self.tokens().iter())
            .filter(|token| token.kind != lexer::Kind::Comment)
            .collect();
        (words.windows(3))
            .filter(|three| three[0].text == "builtin" && three[1].text == "(" && three[2].text == name)
            .map(|three| three[2].range())
            .collect()
    }
}

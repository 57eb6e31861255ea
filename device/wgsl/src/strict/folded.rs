//! Transcendentals of constants: naga evaluates them while it parses, with the math library of the machine it runs on.
//!
//! What was folded leaves no trace in the IR but its absence: a call in the text at whose place no such expression stands.

use std::collections::BTreeSet;

use naga::{Expression, MathFunction as F, Module, Span};

use super::Refusal;
use crate::Reason;

/// WGSL's names of the functions that naga folds with the host's math library.
const HOSTS: &[(&str, F)] = &[
    ("acos", F::Acos),
    ("acosh", F::Acosh),
    ("asin", F::Asin),
    ("asinh", F::Asinh),
    ("atan", F::Atan),
    ("atan2", F::Atan2),
    ("atanh", F::Atanh),
    ("cos", F::Cos),
    ("cosh", F::Cosh),
    ("exp", F::Exp),
    ("exp2", F::Exp2),
    ("log", F::Log),
    ("log2", F::Log2),
    ("pow", F::Pow),
    ("sin", F::Sin),
    ("sinh", F::Sinh),
    ("tan", F::Tan),
    ("tanh", F::Tanh),
];

/// Refuse a module in which one was folded, or would be when its `override`s get their values.
pub(super) fn check(source: &str, module: &Module) -> Result<(), Refusal> {
    let refuse = |name: &'static str, span: Span| Err(Refusal::at(span, &Reason::FoldedOnHost(name)));
    for (handle, expression) in module.global_expressions.iter() {
        if let Expression::Math { fun, .. } = expression
            && let Some((name, _)) = HOSTS.iter().find(|(_, host)| host == fun)
        {
            return refuse(name, module.global_expressions.get_span(handle));
        }
    }
    let functions = module.functions.iter().map(|(_, function)| function);
    let all: Vec<_> = functions
        .chain(module.entry_points.iter().map(|point| &point.function))
        .collect();
    let own: BTreeSet<&str> = all.iter().filter_map(|function| function.name.as_deref()).collect();
    let mut kept: BTreeSet<(usize, &str)> = BTreeSet::new();
    for function in &all {
        for (handle, expression) in function.expressions.iter() {
            if let Expression::Math { fun, .. } = expression
                && let Some((name, _)) = HOSTS.iter().find(|(_, host)| host == fun)
                && let Some(range) = function.expressions.get_span(handle).to_range()
            {
                kept.insert((range.start, name));
            }
        }
    }
    for (start, name) in calls(source) {
        if !own.contains(name) && !kept.contains(&(start, name)) {
            let end = start + name.len();
            return refuse(name, Span::new(start as u32, end as u32));
        }
    }
    Ok(())
}

/// Each call of a name of [`HOSTS`] in a text: where, and which.
fn calls(source: &str) -> Vec<(usize, &'static str)> {
    let bytes = source.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at..] {
            [b'/', b'/', ..] => at = line_end(bytes, at),
            [b'/', b'*', ..] => at = comment_end(bytes, at),
            [byte, ..] if is_word(byte) => {
                let end = (at..bytes.len()).find(|end| !is_word(bytes[*end])).unwrap_or(bytes.len());
                let name = HOSTS.iter().find(|(name, _)| name.as_bytes() == &bytes[at..end]);
                if let Some((name, _)) = name
                    && bytes.get(blank_end(bytes, end)) == Some(&b'(')
                {
                    found.push((at, *name));
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    found
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    (at..bytes.len()).find(|end| bytes[*end] == b'\n').unwrap_or(bytes.len())
}

/// Block comments nest.
fn comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < bytes.len() {
        match bytes[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Past blanks and comments.
fn blank_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < bytes.len() {
        match bytes[at..] {
            [b'/', b'/', ..] => at = line_end(bytes, at),
            [b'/', b'*', ..] => at = comment_end(bytes, at),
            [byte, ..] if byte.is_ascii_whitespace() => at += 1,
            _ => break,
        }
    }
    at
}

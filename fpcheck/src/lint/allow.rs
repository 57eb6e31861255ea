//! Comments by which an author accepts a finding: `// fpcheck: allow(rule) reason`, on the finding's line or the one before.
//!
//! The reason is part of it: a finding accepted without one stands.

use super::lexer::{self, Kind};
use super::report::Finding;
use super::scope::Scope;

/// What begins such a comment.
const MARK: &str = "fpcheck: allow(";

/// A finding that is accepted.
struct Allowed {
    file: String,
    line: usize,
    rule: String,
    reason: String,
}

/// Mark the findings that the text's comments accept.
pub(super) fn apply(scope: &Scope<'_>, findings: &mut [Finding]) {
    let allowed: Vec<Allowed> = (scope.tokens().iter())
        .filter(|token| token.kind == Kind::Comment)
        .filter_map(|token| read(scope, token))
        .collect();
    for finding in findings {
        let place = &finding.place;
        let reason = allowed.iter().find(|one| {
            one.file == place.file && one.rule == finding.rule.id && (one.line == place.line || one.line + 1 == place.line)
        });
        finding.allowed = reason.map(|one| one.reason.clone());
    }
}

fn read(scope: &Scope<'_>, token: &lexer::Token<'_>) -> Option<Allowed> {
    let (rule, reason) = token.text.split_once(MARK)?.1.split_once(')')?;
    let reason = reason.trim_start_matches(':').trim().trim_end_matches("*/").trim();
    if reason.is_empty() {
        return None;
    }
    let place = scope.source.place(token.start);
    Some(Allowed {
        file: place.file.to_owned(),
        line: place.number,
        rule: rule.trim().to_owned(),
        reason: reason.to_owned(),
    })
}

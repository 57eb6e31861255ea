//! Numbers of 64 and integers of 16 bits, which naga knows and WGSL does not.

use naga::{Scalar, ScalarKind};

use super::Rule;
use crate::lint::Level;
use crate::lint::lexer::Kind;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "other-widths",
    title: "numbers of other than 32 bits",
    why: "f64, i64, u64, i16 and u16 are extensions that most devices lack, and the exact arithmetic of the portable tier is of 32 bits",
    instead: "use pairs of u32 with carry for wide integers, and fixed point where f32 is too coarse",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

const TYPES: [&str; 5] = ["f64", "i64", "u64", "i16", "u16"];
const SUFFIXES: [&str; 3] = ["lf", "li", "lu"];

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let other = |scalar: Scalar| match scalar.kind {
        ScalarKind::Float => scalar.width == 8,
        ScalarKind::Uint | ScalarKind::Sint => scalar.width != 4,
        _ => false,
    };
    if !scope.has_scalar(other) {
        return Vec::new();
    }
    (scope.tokens().iter())
        .filter(|token| match token.kind {
            Kind::Name => TYPES.contains(&token.text),
            Kind::Number => SUFFIXES.iter().any(|suffix| token.text.ends_with(suffix)),
            _ => false,
        })
        .map(|token| Hit::new(token.range(), format!("'{}': a number of other than 32 bits", token.text)))
        .collect()
}

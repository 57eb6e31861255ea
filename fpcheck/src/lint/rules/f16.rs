//! Floats of 16 bits.

use naga::{Expression, MathFunction, Scalar, ScalarKind};

use super::Rule;
use crate::lint::Level;
use crate::lint::lexer::{Kind, Token};
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "f16",
    title: "floats of 16 bits",
    why: "devices compute f16 in 16 or in 32 bits and round when they please; many have none at all",
    instead: "compute in f32; to save memory keep fixed point in u32, two values to a word",
    portable: Level::Error,
    class_bound: None,
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    let half = Scalar {
        kind: ScalarKind::Float,
        width: 2,
    };
    if scope.has_scalar(|scalar| scalar == half) {
        let enabled = |before: &[Token<'_>]| {
            before
                .iter()
                .rev()
                .take_while(|token| token.text != ";")
                .any(|token| token.text == "enable")
        };
        for (index, token) in scope.tokens().iter().enumerate() {
            if is_half(token) && !enabled(&scope.tokens()[..index]) {
                hits.push(Hit::new(token.range(), format!("'{}': a float of 16 bits", token.text)));
            }
        }
    }
    hits.extend(scope.at_expressions(|_, expression| match expression {
        Expression::Math {
            fun: MathFunction::Pack2x16float | MathFunction::Unpack2x16float | MathFunction::QuantizeToF16,
            ..
        } => Some("a conversion to or from floats of 16 bits, which devices round in their own ways"),
        _ => None,
    }));
    hits
}

fn is_half(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Name => {
            let shorthand = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with('h');
            let text = token.text;
            text == "f16"
                || ["vec", "mat"]
                    .iter()
                    .any(|start| text.strip_prefix(start).is_some_and(shorthand))
        }
        Kind::Number => token.text.ends_with('h') && !token.text.starts_with("0x"),
        _ => false,
    }
}

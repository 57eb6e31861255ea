//! Transcendental functions of constants, which the compiler works out with the host's math library.
//!
//! By the time there is IR, most of them are numbers. So they are looked for in the text: a call whose place no operation of the
//! IR has, and whose arguments are constants.

use std::collections::BTreeSet;

use naga::{Expression, Handle, MathFunction};

use super::Rule;
use crate::lint::Level;
use crate::lint::ir::{Body, operands, range};
use crate::lint::lexer::{Kind, Token};
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "folded-math",
    title: "a transcendental function of constants",
    why: "the compiler works it out on the host, with the math library of the host's system, and their last bits differ",
    instead: "write the number, or give it as a constant in kernel.toml",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

/// Functions whose last bits differ between math libraries.
const NAMES: [&str; 17] = [
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp", "exp2",
    "log", "log2",
];
const POWER: &str = "pow";
/// Names in an argument that are no values: types.
const TYPES: [&str; 10] = ["f32", "f16", "i32", "u32", "bool", "vec2", "vec3", "vec4", "true", "false"];

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let module = scope.module();
    let mut hits = Vec::new();
    let message = "a transcendental function of constants";

    // What waits for the values of overrides, which are constants too.
    let globals = &module.global_expressions;
    let waiting = globals.iter().filter(|(_, expression)| is_transcendental(expression));
    hits.extend(waiting.map(|(handle, _)| Hit::new(range(globals.get_span(handle)), message)));
    let mut alive: BTreeSet<usize> = BTreeSet::new();
    for body in scope.bodies() {
        for (handle, expression, span) in body.expressions() {
            if is_transcendental(expression) {
                alive.insert(span.start);
                if is_constant(&body, handle) {
                    hits.push(Hit::new(span, message));
                }
            }
        }
    }

    let words: Vec<&Token<'_>> = scope.tokens().iter().filter(|token| token.kind != Kind::Comment).collect();
    let constants: BTreeSet<&str> = (words.windows(2))
        .filter(|two| two[0].text == "const")
        .map(|two| two[1].text)
        .collect();
    let functions: BTreeSet<&str> = module
        .functions
        .iter()
        .filter_map(|(_, function)| function.name.as_deref())
        .collect();
    for (index, word) in words.iter().enumerate() {
        let named = word.kind == Kind::Name && (NAMES.contains(&word.text) || word.text == POWER);
        let called = words.get(index + 1).is_some_and(|next| next.text == "(");
        let before = index.checked_sub(1).map_or("", |before| words[before].text);
        if !named || !called || before == "." || functions.contains(word.text) || alive.contains(&word.start) {
            continue;
        }
        let (arguments, end) = arguments(&words[index + 1..]);
        let constant = arguments.iter().enumerate().all(|(at, token)| {
            let next = arguments.get(at + 1).map_or("", |next| next.text);
            let name = token.text;
            token.kind != Kind::Name
                || constants.contains(name)
                || TYPES.contains(&name)
                || (next == "(" && !functions.contains(name))
                || (at > 0 && arguments[at - 1].text == ".")
        });
        if constant {
            hits.push(Hit::new(word.start..end, message));
        }
    }
    hits.sort_by_key(|hit| hit.span.start);
    hits.dedup_by_key(|hit| hit.span.start);
    hits
}

/// The words between a parenthesis and its partner, and the byte after that.
fn arguments<'a>(words: &[&'a Token<'a>]) -> (Vec<&'a Token<'a>>, usize) {
    let mut depth = 0_usize;
    for (index, word) in words.iter().enumerate() {
        match word.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (words[1..index.max(1)].to_vec(), word.range().end);
        }
    }
    (words.to_vec(), words.last().map_or(0, |word| word.range().end))
}

fn is_transcendental(expression: &Expression) -> bool {
    use MathFunction as M;
    let Expression::Math { fun, .. } = expression else {
        return false;
    };
    matches!(
        fun,
        M::Sin
            | M::Cos
            | M::Tan
            | M::Asin
            | M::Acos
            | M::Atan
            | M::Atan2
            | M::Sinh
            | M::Cosh
            | M::Tanh
            | M::Asinh
            | M::Acosh
            | M::Atanh
            | M::Exp
            | M::Exp2
            | M::Log
            | M::Log2
            | M::Pow
    )
}

/// Whether a value is known before the first invocation runs.
fn is_constant(body: &Body<'_>, handle: Handle<Expression>) -> bool {
    body.sources(handle).into_iter().all(|part| {
        let expression = body.expression(part);
        match expression {
            Expression::Literal(_) | Expression::Constant(_) | Expression::Override(_) | Expression::ZeroValue(_) => true,
            Expression::Load { .. } | Expression::LocalVariable(_) | Expression::GlobalVariable(_) => false,
            _ => !operands(expression).is_empty(),
        }
    })
}

//! Formulas in text, as OpenMM's custom forces hold them: parsed, and evaluated as sums of powers of one variable.
//!
//! | module | owns |
//! |---|---|
//! | [`parse`] | text to tree, within limits |
//! | [`powers`] | sums c₁ rᵏ¹ + c₂ rᵏ² + …, and what can be done with them |
//!
//! With numbers in place of all parameters, most potentials that people write come out as such a sum, however they are spelled; what depends on
//! r in another way is an error that names it. A formula that depends on nothing comes out as a number.

mod parse;
mod powers;

use std::collections::BTreeMap;

pub(super) use parse::{Formula, Node};
pub(super) use powers::Powers;

use parse::Operator;

/// Names with the values they stand for.
pub(super) type Values = BTreeMap<String, Powers>;

/// A function of two whole numbers given by a table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Entries along the first argument.
    pub(super) width: usize,
    /// Entry (i, j) is at i + width j.
    pub(super) values: Vec<f64>,
}

/// Evaluate a formula.
///
/// `values` are the parameters; `tables` the functions by table; `at` is the value of the variable by which `step`, `min` and the like decide, so that
/// the result is right near it.
///
/// # Errors
/// A name that means nothing, or something that is no sum of powers; the message says what.
pub(super) fn evaluate(
    formula: &Formula,
    values: &Values,
    tables: &BTreeMap<String, Table>,
    at: f64,
) -> Result<Powers, String> {
    let mut known = values.clone();
    // Definitions stand behind what uses them, so the last one comes first.
    for (name, node) in formula.definitions.iter().rev() {
        let scope = Scope {
            known: &known,
            tables,
            at,
        };
        let value = scope.node(node)?;
        known.insert(name.clone(), value);
    }
    Scope {
        known: &known,
        tables,
        at,
    }
    .node(&formula.value)
}

struct Scope<'a> {
    known: &'a Values,
    tables: &'a BTreeMap<String, Table>,
    at: f64,
}

impl Scope<'_> {
    fn node(&self, node: &Node) -> Result<Powers, String> {
        match node {
            Node::Number(number) => Ok(Powers::constant(*number)),
            Node::Name(name) => self
                .known
                .get(name)
                .cloned()
                .ok_or_else(|| format!("'{name}' means nothing here")),
            Node::Minus(inner) => Ok(self.node(inner)?.scaled(-1.0)),
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.node(left)?, self.node(right)?);
                match operator {
                    Operator::Add => left.plus(&right),
                    Operator::Subtract => left.plus(&right.scaled(-1.0)),
                    Operator::Multiply => left.times(&right),
                    Operator::Divide => left.times(&right.inverse()?),
                    Operator::Power => left.power(&right),
                }
            }
            Node::Call(name, arguments) => {
                let arguments = arguments
                    .iter()
                    .map(|argument| self.node(argument))
                    .collect::<Result<Vec<_>, _>>()?;
                self.call(name, &arguments)
            }
        }
    }

    fn call(&self, name: &str, arguments: &[Powers]) -> Result<Powers, String> {
        if let Some(table) = self.tables.get(name) {
            return lookup(name, table, arguments);
        }
        // Functions that choose among their arguments do so near `at`.
        let here: Vec<f64> = arguments.iter().map(|argument| argument.at(self.at)).collect();
        let chosen = match (name, here.as_slice()) {
            ("step", [x]) => return Ok(Powers::constant(f64::from(u8::from(*x >= 0.0)))),
            ("abs", [x]) => return Ok(arguments[0].scaled(if *x < 0.0 { -1.0 } else { 1.0 })),
            ("min", [a, b]) => usize::from(b < a),
            ("max", [a, b]) => usize::from(b > a),
            ("select", [x, _, _]) => 1 + usize::from(*x == 0.0),
            _ => return function(name, arguments),
        };
        Ok(arguments[chosen].clone())
    }
}

fn lookup(name: &str, table: &Table, arguments: &[Powers]) -> Result<Powers, String> {
    let index = |argument: &Powers| {
        argument
            .number()
            .filter(|x| (-0.5..1e6).contains(x))
            .map(|x| x.round() as usize)
    };
    let height = table.values.len() / table.width;
    let place = match arguments {
        [x, y] => index(x).zip(index(y)).filter(|(x, y)| *x < table.width && *y < height),
        [x] if height == 1 => index(x).filter(|x| *x < table.width).map(|x| (x, 0)),
        _ => None,
    };
    let value = place.and_then(|(x, y)| table.values.get(x + table.width * y));
    value
        .map(|value| Powers::constant(*value))
        .ok_or_else(|| format!("'{name}' is called with arguments that its table does not have"))
}

/// Functions of numbers.
fn function(name: &str, arguments: &[Powers]) -> Result<Powers, String> {
    if let ("sqrt", [x]) = (name, arguments) {
        return x.power(&Powers::constant(0.5));
    }
    let numbers: Option<Vec<f64>> = arguments.iter().map(Powers::number).collect();
    let numbers = numbers.ok_or_else(|| format!("'{name}' of something that depends on the variable"))?;
    let value = match (name, numbers.as_slice()) {
        ("exp", [x]) => libm::exp(*x),
        ("log", [x]) => libm::log(*x),
        ("sin", [x]) => libm::sin(*x),
        ("cos", [x]) => libm::cos(*x),
        ("floor", [x]) => libm::floor(*x),
        ("ceil", [x]) => libm::ceil(*x),
        // Near each other: the images of a box play no part.
        ("periodicdistance", [a, b, c, x, y, z]) => libm::sqrt((a - x).powi(2) + (b - y).powi(2) + (c - z).powi(2)),
        _ => return Err(format!("the function '{name}' with {} arguments", numbers.len())),
    };
    Ok(Powers::constant(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn powers(text: &str, values: &[(&str, f64)], at: f64) -> Result<Vec<(i32, f64)>, String> {
        let formula = Formula::parse(text)?;
        let mut known: Values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Powers::constant(*value)))
            .collect();
        known.insert("r".into(), Powers::variable());
        let table = Table {
            width: 2,
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        let tables = BTreeMap::from([("acoef".to_owned(), table)]);
        Ok(evaluate(&formula, &known, &tables, at)?.terms().collect())
    }

    #[test]
    fn one_potential_comes_out_the_same_in_every_spelling() {
        let values = [("type1", 1.0), ("type2", 0.0), ("epsilon", 0.5), ("sigma", 2.0)];
        let expected = Ok(vec![(-12, 4.0), (-6, -2.0)]);
        for text in [
            "(a/r6)^2-b/r6; r6=r^6; a=acoef(type1, type2); b=2;",
            "acoef(type1,type2)^2/r^12 - acoef(type1, 0)*1e0 / (r*r)^3;",
            "a*t*t-2*t; t = 1/(r^2)^3; a = 2^acoef(1, 0)",
            " 4*x - 2*t*t ; x=(t*t)^2; t = s^3*1.0; s=1/r",
            "-b*r^(-6)+4*r^-12; b=epsilon*sigma*2",
            "4/r^12 - sqrt(4)/sqrt(r^12)",
        ] {
            assert_eq!(powers(text, &values, 1.0), expected, "{text}");
        }
    }

    #[test]
    fn steps_decide_at_the_given_place() {
        let text = "step(on-r)*(1/r) + step(r-on)*max(r, 2*r^2)/r; on=1.5";
        assert_eq!(powers(text, &[], 1.0), Ok(vec![(-1, 1.0)]));
        assert_eq!(powers(text, &[], 2.0), Ok(vec![(1, 2.0)]));
    }

    #[test]
    fn what_is_no_sum_of_powers_is_named() {
        for (text, word) in [
            ("exp(-r)", "'exp' of something"),
            ("1/(r+1)", "divided by a sum"),
            ("q/r", "'q' means nothing"),
            ("erfc(2)", "the function 'erfc'"),
            ("r^0.3", "the power 0.3"),
            ("acoef(1, 7)", "its table does not have"),
            ("(r+1)^5^5", "the power"),
            ("((((((1+r)^9)^9)^9)^9)^9)", "beyond"),
        ] {
            let error = powers(text, &[], 1.0).expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn broken_texts_are_refused() {
        for text in [
            "",
            "1+",
            "(1",
            "1)",
            "a b",
            "f(1,",
            "=2",
            "1; a",
            "1; 2=3",
            "3 $ 4",
            &"(".repeat(1000),
            &"-".repeat(1000),
        ] {
            assert!(Formula::parse(text).is_err(), "{text}");
        }
    }
}

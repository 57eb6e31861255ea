//! Forces given by an expression. What an expression means is found by evaluating it, not by its spelling; what comes out must be a potential that
//! the model has.
//!
//! | module | owns |
//! |---|---|
//! | `bond` | CustomBondForce: q/r + a/r¹² − b/r⁶ |
//! | `pair` | CustomNonbondedForce: a/r¹² − b/r⁶ − c/r⁴ by tables of types, CHARMM's force switch |
//! | `torsion` | CustomTorsionForce: harmonic impropers |
//! | `external` | CustomExternalForce: springs to points |

mod bond;
mod external;
mod pair;
mod torsion;

pub(super) use bond::bonds;
pub(super) use external::external;
pub(super) use pair::pairs;
pub(super) use torsion::torsions;

use super::super::ImportError;
use super::super::expression::{Formula, Powers, Values};
use super::super::xml::{Element, shown};
use super::Reading;
use super::nonbonded::globals;

/// A force's expression, the names of its entries' parameters, and the values of its global ones.
struct Custom<'a> {
    force: Element<'a>,
    text: String,
    formula: Formula,
    /// Names of the parameters that each entry has, in the order of its attributes param1, param2, ….
    names: Vec<String>,
    globals: Values,
}

/// Most parameters of an entry.
const PARAMETERS_MAX: usize = 32;

impl<'a> Custom<'a> {
    /// Read what all custom forces have; `list` holds the names of the parameters of an entry. None if there are obstacles, which are noted.
    fn read(force: Element<'a>, list: &str, reading: &mut Reading) -> Option<Self> {
        let text = reading.obstacles.take(force.unescaped("energy"))?;
        let formula = Formula::parse(&text)
            .map_err(|why| force.refuse(format!("found energy=\"{}\", which cannot be read: {why}", shown(&text))));
        let formula = reading.obstacles.take(formula)?;
        let names = reading.entries(force, list, "Parameter", |one| one.unescaped("name"));
        if names.len() > PARAMETERS_MAX {
            reading.obstacles.add(force.refuse(format!(
                "found {} parameters in <{list}>, expected at most {PARAMETERS_MAX}",
                names.len()
            )));
            return None;
        }
        let globals = globals(force, reading);
        let globals = globals.into_iter().map(|(name, value)| (name, Powers::constant(value)));
        Some(Self {
            force,
            text,
            formula,
            names,
            globals: globals.collect(),
        })
    }

    /// The parameters of an entry.
    fn parameters(names: &[String], entry: Element<'_>) -> Result<Vec<f64>, ImportError> {
        (1..=names.len()).map(|k| entry.number(&format!("param{k}"))).collect()
    }

    /// Global values and those of an entry's parameters.
    fn values(&self, parameters: &[f64]) -> Values {
        let mut values = self.globals.clone();
        let own = self
            .names
            .iter()
            .cloned()
            .zip(parameters.iter().map(|value| Powers::constant(*value)));
        values.extend(own);
        values
    }

    /// A refusal of the expression.
    fn refuse(&self, why: &str, known: &str) -> ImportError {
        let text: String = self.text.chars().take(300).collect::<String>().escape_debug().to_string();
        self.force.refuse(format!(
            "found energy=\"{text}\", which is not supported ({why}): known is {known}"
        ))
    }
}

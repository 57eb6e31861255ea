//! Sums of powers of one variable: c₁ rᵏ¹ + c₂ rᵏ² + …, with whole exponents.

use std::collections::BTreeMap;

/// Largest exponent, either way.
const EXPONENT_MAX: i32 = 64;

/// A sum of powers; a number is one with exponent 0 alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::import) struct Powers {
    /// Coefficients by exponent; none is 0.
    terms: BTreeMap<i32, f64>,
}

impl Powers {
    /// A number.
    pub(in crate::import) fn constant(value: f64) -> Self {
        Self::term(0, value)
    }

    /// The variable itself.
    pub(in crate::import) fn variable() -> Self {
        Self::term(1, 1.0)
    }

    fn term(exponent: i32, coefficient: f64) -> Self {
        let terms = if coefficient == 0.0 {
            BTreeMap::new()
        } else {
            BTreeMap::from([(exponent, coefficient)])
        };
        Self { terms }
    }

    /// Exponents and coefficients, in the order of exponents.
    pub(in crate::import) fn terms(&self) -> impl Iterator<Item = (i32, f64)> {
        self.terms.iter().map(|(exponent, coefficient)| (*exponent, *coefficient))
    }

    /// The coefficient of an exponent.
    pub(in crate::import) fn coefficient(&self, exponent: i32) -> f64 {
        self.terms.get(&exponent).copied().unwrap_or(0.0)
    }

    /// The number that it is, if it does not depend on the variable.
    pub(in crate::import) fn number(&self) -> Option<f64> {
        self.terms.keys().all(|exponent| *exponent == 0).then(|| self.coefficient(0))
    }

    /// Its value at a place.
    pub(in crate::import) fn at(&self, r: f64) -> f64 {
        self.terms()
            .map(|(exponent, coefficient)| coefficient * r.powi(exponent))
            .sum()
    }

    fn from_terms(terms: BTreeMap<i32, f64>) -> Result<Self, String> {
        let mut terms = terms;
        terms.retain(|_, coefficient| *coefficient != 0.0);
        if let Some(exponent) = terms.keys().find(|exponent| exponent.abs() > EXPONENT_MAX) {
            return Err(format!("the power {exponent}, beyond {EXPONENT_MAX}"));
        }
        match terms.values().find(|coefficient| !coefficient.is_finite()) {
            Some(coefficient) => Err(format!("the coefficient {coefficient}")),
            None => Ok(Self { terms }),
        }
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        let terms = self.terms().map(|(exponent, coefficient)| (exponent, coefficient * factor));
        Self {
            terms: terms.filter(|(_, coefficient)| *coefficient != 0.0).collect(),
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Result<Self, String> {
        let mut terms = self.terms.clone();
        for (exponent, coefficient) in other.terms() {
            *terms.entry(exponent).or_default() += coefficient;
        }
        Self::from_terms(terms)
    }

    pub(super) fn times(&self, other: &Self) -> Result<Self, String> {
        let mut terms = BTreeMap::new();
        for (i, a) in self.terms() {
            for (j, b) in other.terms() {
                *terms.entry(i + j).or_default() += a * b;
            }
        }
        Self::from_terms(terms)
    }

    fn single(&self) -> Option<(i32, f64)> {
        (self.terms.len() == 1).then(|| self.terms().next()).flatten()
    }

    pub(super) fn inverse(&self) -> Result<Self, String> {
        match self.single() {
            Some((exponent, coefficient)) => Self::from_terms(BTreeMap::from([(-exponent, coefficient.recip())])),
            None if self.terms.is_empty() => Err("something divided by 0".into()),
            None => Err("something divided by a sum that depends on the variable".into()),
        }
    }

    pub(super) fn power(&self, exponent: &Self) -> Result<Self, String> {
        let exponent = exponent.number().ok_or("an exponent that depends on the variable")?;
        if let Some(base) = self.number() {
            return Self::from_terms(BTreeMap::from([(0, libm::pow(base, exponent))]));
        }
        let refuse = || format!("the power {exponent} of something that depends on the variable");
        if let Some((power, coefficient)) = self.single() {
            let power = f64::from(power) * exponent;
            if power.fract() != 0.0 || power.abs() > f64::from(EXPONENT_MAX) {
                return Err(refuse());
            }
            let coefficient = libm::pow(coefficient, exponent);
            return Self::from_terms(BTreeMap::from([(power as i32, coefficient)]));
        }
        if exponent.fract() != 0.0 || !(0.0..=f64::from(EXPONENT_MAX)).contains(&exponent) {
            return Err(refuse());
        }
        let mut product = Self::constant(1.0);
        for _ in 0..exponent as u32 {
            product = product.times(self)?;
        }
        Ok(product)
    }
}

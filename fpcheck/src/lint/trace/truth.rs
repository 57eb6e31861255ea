//! Conditions: which invocations a condition lets through.

use naga::BinaryOperator;

use super::value::{Deps, Linear};

/// Parts beyond which a condition counts as unknown, so that hostile texts stay small.
const PARTS_MAX: usize = 24;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Truth {
    Known(bool),
    /// Two integers compared; `op` is a comparison.
    Compare(BinaryOperator, Linear, Linear, Deps),
    And(Box<Truth>, Box<Truth>),
    Or(Box<Truth>, Box<Truth>),
    Unknown(Deps),
}

impl Truth {
    pub(super) fn deps(&self) -> Deps {
        match self {
            Self::Known(_) => Deps::NONE,
            Self::Compare(_, _, _, deps) | Self::Unknown(deps) => *deps,
            Self::And(a, b) | Self::Or(a, b) => a.deps() | b.deps(),
        }
    }

    /// The comparisons and unknown conditions that it is made of.
    pub(super) fn parts_into(&self, parts: &mut Vec<Self>) {
        match self {
            Self::Known(_) => {}
            Self::And(a, b) | Self::Or(a, b) => {
                a.parts_into(parts);
                b.parts_into(parts);
            }
            Self::Compare(..) | Self::Unknown(_) => parts.push(self.clone()),
        }
    }

    fn parts(&self) -> usize {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.parts() + b.parts(),
            _ => 1,
        }
    }

    pub(super) fn not(&self) -> Self {
        match self {
            Self::Known(value) => Self::Known(!value),
            Self::Compare(op, left, right, deps) => Self::Compare(opposite(*op), left.clone(), right.clone(), *deps),
            Self::And(a, b) => Self::Or(Box::new(a.not()), Box::new(b.not())),
            Self::Or(a, b) => Self::And(Box::new(a.not()), Box::new(b.not())),
            Self::Unknown(deps) => Self::Unknown(*deps),
        }
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Known(true), kept) | (kept, Self::Known(true)) => kept.clone(),
            (Self::Known(false), _) | (_, Self::Known(false)) => Self::Known(false),
            (a, b) if a == b => a.clone(),
            (a, b) if a.parts() + b.parts() > PARTS_MAX => Self::Unknown(a.deps() | b.deps()),
            (a, b) => Self::And(Box::new(a.clone()), Box::new(b.clone())),
        }
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        self.not().and(&other.not()).not()
    }

    /// `accept` where `self` holds, `reject` elsewhere.
    pub(super) fn select(&self, accept: &Self, reject: &Self) -> Self {
        match (accept, reject) {
            (_, Self::Known(false)) => self.and(accept),
            (Self::Known(true), _) => self.or(reject),
            (Self::Known(false), _) => self.not().and(reject),
            (_, Self::Known(true)) => self.not().or(accept),
            (a, b) if a == b => a.clone(),
            (a, b) => Self::Unknown(self.deps() | a.deps() | b.deps()),
        }
    }
}

fn opposite(op: BinaryOperator) -> BinaryOperator {
    use BinaryOperator as B;
    match op {
        B::Equal => B::NotEqual,
        B::NotEqual => B::Equal,
        B::Less => B::GreaterEqual,
        B::LessEqual => B::Greater,
        B::Greater => B::LessEqual,
        B::GreaterEqual => B::Less,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_circuit_is_read_as_the_or_that_was_written() {
        let a = Truth::Unknown(Deps::LOCAL);
        let b = Truth::Unknown(Deps::GROUP);
        // naga writes `a || b` as: if !a { b } else { true }.
        assert_eq!(a.not().select(&b, &Truth::Known(true)), a.or(&b));
        assert_eq!(a.select(&b, &Truth::Known(false)), a.and(&b));
    }

    #[test]
    fn conditions_do_not_grow_without_end() {
        let mut truth = Truth::Unknown(Deps::LOCAL);
        for number in 0..100 {
            let next = Truth::Compare(BinaryOperator::Less, Linear::constant(number), Linear::default(), Deps::LOCAL);
            truth = truth.and(&next);
            assert!(truth.parts() <= PARTS_MAX);
        }
    }
}

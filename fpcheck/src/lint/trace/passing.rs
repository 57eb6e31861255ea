//! Which invocations get through conditions.

use naga::BinaryOperator;

use super::race::Way;
use super::truth::Truth;
use super::value::{Atom, AtomKind, Linear};

/// Positions along a way that certainly get through: `from` up to, not including, `to`.
pub(super) struct Passing {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Variables of loops that limit them besides.
    pub(super) limits: Vec<Atom>,
    /// How many positions between may be left out.
    pub(super) left_out: u32,
    /// A condition was looked at for the first workgroup, or the first of its invocations, alone.
    first: bool,
    /// A condition may hold for other workgroups, or invocations of them, alone.
    elsewhere: bool,
}

impl Passing {
    /// Who gets through all conditions; `None` where that is not certain of any two.
    pub(super) fn of<'t>(way: &Way<'_>, guards: impl IntoIterator<Item = &'t Truth>) -> Option<Self> {
        Self::within(way, way.extent(), guards)
    }

    /// The same, where as many workgroups as are needed count as run if it is not known how many there are.
    pub(super) fn reaching<'t>(way: &Way<'_>, guards: impl IntoIterator<Item = &'t Truth>) -> Option<Self> {
        Self::within(way, way.reach(), guards)
    }

    fn within<'t>(way: &Way<'_>, to: u32, guards: impl IntoIterator<Item = &'t Truth>) -> Option<Self> {
        let mut passing = Self {
            from: 0,
            to,
            limits: Vec::new(),
            left_out: 0,
            first: false,
            elsewhere: false,
        };
        guards.into_iter().try_for_each(|guard| passing.narrow(way, guard))?;
        passing.agrees(&passing).then_some(passing)
    }

    /// Whether two get through.
    pub(super) fn is_certain(&self) -> bool {
        self.limits.is_empty() && self.has_several()
    }

    /// Whether two get through, apart from what loops' variables forbid.
    pub(super) fn has_several(&self) -> bool {
        self.to.saturating_sub(self.from).saturating_sub(self.left_out) > 1
    }

    /// Whether what was found of both holds in one place.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        !((self.first || other.first) && (self.elsewhere || other.elsewhere))
    }

    fn narrow(&mut self, way: &Way<'_>, guard: &Truth) -> Option<()> {
        let deps = guard.deps();
        if !deps.any(way.deps()) {
            self.elsewhere |= deps.any(way.other_deps());
            return (*guard != Truth::Known(false)).then_some(());
        }
        match guard {
            Truth::Known(_) => Some(()),
            Truth::Unknown(_) => None,
            Truth::And(a, b) => {
                self.narrow(way, a)?;
                self.narrow(way, b)
            }
            // Who gets through one of the two gets through.
            Truth::Or(a, b) => {
                let mut one = Self {
                    limits: self.limits.clone(),
                    ..*self
                };
                if one.narrow(way, a).is_some() && one.has_several() {
                    *self = one;
                    return Some(());
                }
                self.narrow(way, b)
            }
            Truth::Compare(op, left, right, _) => self.compare(way, *op, left, right),
        }
    }

    fn compare(&mut self, way: &Way<'_>, op: BinaryOperator, left: &Linear, right: &Linear) -> Option<()> {
        use BinaryOperator as B;
        let (multiple, rest) = way.split(&left.plus(u32::MAX, right))?;
        if op == B::NotEqual {
            self.left_out += 1;
            return Some(());
        }
        // Below 0, integers without sign are large.
        if !(is_small(left) && is_small(right)) {
            return None;
        }
        if multiple == 0 {
            return (op != B::Equal).then_some(());
        }
        let near = way.at_first(&rest);
        self.first |= near != rest;
        let Some(rest) = near.known().map(|rest| i64::from(rest as i32)) else {
            let of_loop = |atom: &&Atom| matches!(way.atoms.kind(**atom), AtomKind::Loop(_) | AtomKind::After(_));
            self.limits.extend(near.terms.keys().filter(of_loop));
            return (op != B::Equal).then_some(());
        };
        // multiple * position + rest, compared to 0, with a positive multiple.
        let (multiple, rest, op) = if multiple > 0 {
            (multiple, rest, op)
        } else {
            (-multiple, -rest, mirrored(op))
        };
        let bound = |value: i64| u32::try_from(value.clamp(0, i64::from(u32::MAX))).expect("it is clamped");
        let floor = (-rest).div_euclid(multiple);
        let ceiling = -rest.div_euclid(multiple);
        match op {
            // One position, or none.
            B::Equal => {
                self.to = self.to.min(bound(floor + 1));
                self.from = self.from.max(bound(ceiling));
            }
            B::Less => self.to = self.to.min(bound(ceiling)),
            B::LessEqual => self.to = self.to.min(bound(floor + 1)),
            B::Greater => self.from = self.from.max(bound(floor + 1)),
            _ => self.from = self.from.max(bound(ceiling)),
        }
        Some(())
    }
}

/// Whether a sum's constants are all small and not negative, so that it does not wrap.
fn is_small(linear: &Linear) -> bool {
    linear.terms.values().chain([&linear.add]).all(|value| *value < 1 << 24)
}

fn mirrored(op: BinaryOperator) -> BinaryOperator {
    use BinaryOperator as B;
    match op {
        B::Less => B::Greater,
        B::LessEqual => B::GreaterEqual,
        B::Greater => B::Less,
        B::GreaterEqual => B::LessEqual,
        other => other,
    }
}

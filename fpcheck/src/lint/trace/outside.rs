//! Accesses that are certainly out of bounds: an invocation is named that gets there with such an index.
//!
//! A few invocations are tried, at the ends of what runs and next to the constants that conditions and indices speak of. Each is followed
//! in numbers: only where its conditions all hold and its index is known is anything claimed.

use naga::{ArraySize, BinaryOperator, GlobalVariable, Handle, Type, TypeInner};

use super::Outside;
use super::truth::Truth;
use super::value::{AtomKind, Linear, Place, Root, Step, op_number};
use super::walk::Walker;

/// Invocations tried for an access.
const TRIES_MAX: usize = 512;
/// Nested operations followed.
const DEPTH_MAX: u32 = 32;

/// An invocation.
#[derive(Clone, Copy)]
struct Invocation {
    group: [u32; 3],
    local: [u32; 3],
}

impl Walker<'_> {
    /// Look at an access that is made here.
    pub(super) fn within_bounds(&mut self, place: &Place, span: &std::ops::Range<usize>) {
        let Root::Global(variable) = place.root else { return };
        if self.outside.iter().any(|other| other.span == *span) {
            return;
        }
        let mut ty = self.module.global_variables[variable].ty;
        for step in &place.path {
            let Some((length, inner)) = self.part(variable, ty, step) else {
                return;
            };
            let index = match step {
                Step::Index(index) => index.int().cloned(),
                Step::Member(index) => Some(Linear::constant(*index)),
            };
            if let (Some(index), Some(length)) = (index, length)
                && let Some((index, invocation)) = self.beyond(&index, length)
            {
                self.outside.push(Outside {
                    variable,
                    span: span.clone(),
                    index,
                    length,
                    invocation,
                });
                return;
            }
            let Some(inner) = inner else { return };
            ty = inner;
        }
    }

    /// How many parts of this sort there are, where that is known and can be exceeded, and the part's type where it has parts of its own.
    fn part(
        &self,
        variable: Handle<GlobalVariable>,
        ty: Handle<Type>,
        step: &Step,
    ) -> Option<(Option<u32>, Option<Handle<Type>>)> {
        Some(match (&self.module.types[ty].inner, step) {
            (TypeInner::Array { base, size, .. }, _) => match size {
                ArraySize::Constant(count) => (Some(count.get()), Some(*base)),
                ArraySize::Dynamic => (self.length(variable), Some(*base)),
                ArraySize::Pending(_) => (None, Some(*base)),
            },
            (TypeInner::Struct { members, .. }, Step::Member(index)) => (None, Some(members.get(*index as usize)?.ty)),
            (TypeInner::Vector { size, .. }, _) => (Some(*size as u32), None),
            _ => return None,
        })
    }

    /// Elements of the run-time sized array that a variable is or ends with.
    fn length(&self, variable: Handle<GlobalVariable>) -> Option<u32> {
        let variable = &self.module.global_variables[variable];
        let bytes = *self.point.bytes.get(&variable.binding?.binding)?;
        let (array, offset) = match &self.module.types[variable.ty].inner {
            TypeInner::Struct { members, .. } => (members.last()?.ty, members.last()?.offset),
            _ => (variable.ty, 0),
        };
        match self.module.types[array].inner {
            TypeInner::Array { stride, .. } => {
                u32::try_from(bytes.checked_sub(u64::from(offset))? / u64::from(stride.max(1))).ok()
            }
            _ => None,
        }
    }

    /// An invocation that gets here with an index of `length` or more, and that index.
    fn beyond(&self, index: &Linear, length: u32) -> Option<(u32, [u32; 3])> {
        let size = self.shape.size;
        let mut tries: Vec<Invocation> = vec![Invocation {
            group: [0; 3],
            local: [0; 3],
        }];
        for (axis, size) in size.into_iter().enumerate() {
            let places = self.places(index, length, axis);
            let all = tries.iter().flat_map(|one| {
                places.iter().map(move |place| {
                    let mut one = *one;
                    one.group[axis] = place / size.max(1);
                    one.local[axis] = place % size.max(1);
                    one
                })
            });
            tries = all.take(TRIES_MAX).collect();
        }
        tries.iter().find_map(|one| {
            let index = self.number(index, one, 0).filter(|index| *index >= length)?;
            let through = |truth: &Truth| self.holds(truth, one, 0) == Some(true);
            if !self.guards.iter().all(|guard| through(&guard.truth)) {
                return None;
            }
            let global = |axis: usize| one.group[axis] * size[axis] + one.local[axis];
            Some((index, [global(0), global(1), global(2)]))
        })
    }

    /// Positions to try along an axis, in invocations.
    fn places(&self, index: &Linear, length: u32, axis: usize) -> Vec<u32> {
        let groups = self.shape.groups.map_or(1, |groups| groups[axis]);
        let count = self.shape.size[axis].saturating_mul(groups);
        let mut places = vec![0, count.saturating_sub(1)];
        let mut near = |constant: u32| places.extend([constant.wrapping_sub(1), constant, constant.wrapping_add(1)]);
        near(length.wrapping_sub(index.add));
        for guard in &self.guards {
            let mut parts = Vec::new();
            guard.truth.parts_into(&mut parts);
            for part in parts {
                if let Truth::Compare(_, left, right, _) = part {
                    near(right.add.wrapping_sub(left.add));
                }
            }
        }
        places.retain(|place| *place < count);
        places.sort_unstable();
        places.dedup();
        places
    }

    /// A sum, for an invocation.
    fn number(&self, sum: &Linear, one: &Invocation, depth: u32) -> Option<u32> {
        let mut total = sum.add;
        for (atom, multiple) in &sum.terms {
            let value = self.atom(*atom, one, depth + 1)?;
            total = total.wrapping_add(multiple.wrapping_mul(value));
        }
        Some(total)
    }

    fn atom(&self, atom: u32, one: &Invocation, depth: u32) -> Option<u32> {
        if depth > DEPTH_MAX {
            return None;
        }
        if let Some(choice) = self.atoms.choice(atom) {
            let side = self.holds(&choice.condition, one, depth)?;
            return self.number(if side { &choice.accept } else { &choice.reject }, one, depth);
        }
        match self.atoms.kind(atom) {
            AtomKind::Local(axis) => Some(one.local[*axis]),
            AtomKind::Group(axis) => Some(one.group[*axis]),
            AtomKind::Length(variable) => self.length(*variable),
            AtomKind::Op(op, a, b) => {
                let (a, b) = (self.number(a, one, depth)?, self.number(b, one, depth)?);
                operate(*op, a, b)
            }
            _ => None,
        }
    }

    /// Whether a condition holds for an invocation, where that is known.
    fn holds(&self, truth: &Truth, one: &Invocation, depth: u32) -> Option<bool> {
        if depth > DEPTH_MAX {
            return None;
        }
        match truth {
            Truth::Known(value) => Some(*value),
            Truth::Unknown(_) => None,
            Truth::And(a, b) => Some(self.holds(a, one, depth + 1)? && self.holds(b, one, depth + 1)?),
            Truth::Or(a, b) => Some(self.holds(a, one, depth + 1)? || self.holds(b, one, depth + 1)?),
            Truth::Compare(op, left, right, _) => {
                let (left, right) = (self.number(left, one, depth)?, self.number(right, one, depth)?);
                use BinaryOperator as B;
                match op {
                    B::Equal => Some(left == right),
                    B::NotEqual => Some(left != right),
                    // With and without sign alike.
                    _ if left > i32::MAX as u32 || right > i32::MAX as u32 => None,
                    B::Less => Some(left < right),
                    B::LessEqual => Some(left <= right),
                    B::Greater => Some(left > right),
                    B::GreaterEqual => Some(left >= right),
                    _ => None,
                }
            }
        }
    }
}

/// An operation on integers that are the same with and without sign.
fn operate(op: u8, a: u32, b: u32) -> Option<u32> {
    use BinaryOperator as B;
    if a > i32::MAX as u32 || b > i32::MAX as u32 {
        return None;
    }
    let is = |known: B| op == op_number(known);
    match () {
        () if is(B::Multiply) => Some(a.wrapping_mul(b)),
        () if is(B::Divide) => a.checked_div(b),
        () if is(B::Modulo) => a.checked_rem(b),
        () if is(B::And) => Some(a & b),
        () if is(B::InclusiveOr) => Some(a | b),
        () if is(B::ExclusiveOr) => Some(a ^ b),
        () if is(B::ShiftRight) => a.checked_shr(b),
        () if is(B::ShiftLeft) => a.checked_shl(b),
        _ => None,
    }
}

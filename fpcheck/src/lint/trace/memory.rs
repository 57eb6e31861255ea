//! Variables: private ones by value, shared ones by who accesses them where, between which barriers.

use std::ops::Range;

use naga::{AddressSpace, Barrier, Expression, Handle, StorageAccess};

use super::value::{Deps, Place, Root, Step, Value};
use super::walk::{Access, Frame, Walker};
use super::{Race, Use, race};

/// Pairs of accesses after which a walk compares no more.
const PAIRS_MAX: u32 = 2_000_000;

impl<'m> Walker<'m> {
    pub(super) fn barrier(&mut self, flags: Barrier) {
        let (module, accesses) = (self.module, &self.accesses);
        self.state.live.retain(|access, ordered| {
            let Root::Global(global) = accesses[*access].place.root else {
                return false;
            };
            match module.global_variables[global].space {
                AddressSpace::WorkGroup => !flags.contains(Barrier::WORK_GROUP),
                _ => {
                    *ordered |= flags.contains(Barrier::STORAGE);
                    true
                }
            }
        });
    }

    pub(super) fn load(&mut self, frame: &Frame<'m>, handle: Handle<Expression>, place: &Place) -> Value {
        let deps = place.deps();
        let Root::Global(global) = place.root else {
            return self.variable(frame, handle, place);
        };
        let variable = &self.module.global_variables[global];
        match variable.space {
            AddressSpace::Private => self.variable(frame, handle, place),
            AddressSpace::Uniform if variable.name.as_deref() == Some("clock") => self.fresh(frame, handle, deps | Deps::CLOCK),
            AddressSpace::Storage { access } if !access.contains(StorageAccess::STORE) => {
                self.within_bounds(place, &frame.body.span(handle));
                self.fresh(frame, handle, deps | Deps::MEMORY)
            }
            AddressSpace::Storage { .. } | AddressSpace::WorkGroup => {
                let span = frame.body.span(handle);
                self.access(place.clone(), false, false, Deps::NONE, span);
                self.fresh(frame, handle, deps | Deps::MEMORY)
            }
            _ => self.fresh(frame, handle, deps | Deps::MEMORY),
        }
    }

    /// The value of a local or private variable, or of a part of it.
    pub(super) fn variable(&mut self, frame: &Frame<'m>, handle: Handle<Expression>, place: &Place) -> Value {
        let key = place.root;
        let mut value = match self.state.variables.get(&key) {
            Some(value) => value.clone(),
            None => return self.fresh(frame, handle, place.deps() | Deps::MEMORY),
        };
        for step in &place.path {
            value = match (step, value) {
                (Step::Member(index), Value::Vector(parts)) if (*index as usize) < parts.len() => {
                    Value::Scalar(parts[*index as usize].clone())
                }
                (Step::Member(index), Value::Struct(mut parts)) if (*index as usize) < parts.len() => {
                    parts.swap_remove(*index as usize)
                }
                (_, other) => return self.fresh(frame, handle, other.deps() | place.deps()),
            };
        }
        value
    }

    pub(super) fn store(&mut self, place: &Place, value: Value, span: Range<usize>) {
        if let Root::Global(global) = place.root
            && self.module.global_variables[global].space != AddressSpace::Private
        {
            self.access(place.clone(), true, false, value.deps(), span);
            return;
        }
        let key = place.root;
        let old = match (self.state.variables.get(&key), place.root) {
            (Some(old), _) => old.clone(),
            (None, Root::Global(global)) => self.zero(self.module.global_variables[global].ty),
            (None, Root::Local(..)) => return,
        };
        let new = replaced(old, &place.path, value);
        self.state.variables.insert(key, new);
    }

    pub(super) fn access(&mut self, place: Place, write: bool, atomic: bool, value: Deps, span: Range<usize>) {
        let Root::Global(variable) = place.root else { return };
        self.within_bounds(&place, &span);
        let access = Access {
            place,
            write,
            atomic,
            value,
            guards: self.guards.as_slice().into(),
            span,
        };
        let number = self.accesses.len();
        self.accesses.push(access);
        self.state.live.insert(number, false);
        for (other, ordered) in &self.state.live {
            self.pairs += 1;
            let (first, second) = (&self.accesses[*other], &self.accesses[number]);
            if self.pairs > PAIRS_MAX || first.place.root != second.place.root {
                continue;
            }
            let workgroup = self.module.global_variables[variable].space == AddressSpace::WorkGroup;
            let pair = race::Pair {
                first,
                second,
                same: *other == number,
                workgroup,
                ordered: *ordered,
            };
            if pair.meet(&self.atoms, &self.shape) {
                let of = |access: &Access| Use {
                    span: access.span.clone(),
                    write: access.write,
                };
                self.races.push(Race {
                    variable,
                    first: of(first),
                    second: of(second),
                });
            }
        }
    }
}

/// A value with one of its parts replaced.
fn replaced(old: Value, path: &[Step], value: Value) -> Value {
    let Some((step, rest)) = path.split_first() else {
        return value;
    };
    match (step, old) {
        (Step::Member(index), Value::Vector(mut parts)) if (*index as usize) < parts.len() => {
            parts[*index as usize] = value.scalar();
            Value::Vector(parts)
        }
        (Step::Member(index), Value::Struct(mut parts)) if (*index as usize) < parts.len() => {
            let index = *index as usize;
            let part = std::mem::replace(&mut parts[index], Value::Opaque(Deps::NONE));
            parts[index] = replaced(part, rest, value);
            Value::Struct(parts)
        }
        (Step::Index(index), old) => Value::Opaque(old.deps() | index.deps | value.deps()),
        (_, old) => Value::Opaque(old.deps() | value.deps()),
    }
}

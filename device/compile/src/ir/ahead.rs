//! Sums that lie beyond the caches are fetched a round ahead.
//!
//! A loop that adds to sums at places it has read from a list waits for each of them, since what it adds to is known only when its round begins. Where a variable
//! carries the place from one round to the next, as it does where the list is read ahead, the place is known a round before: a load of the next round's
//! sum, of which nothing is used, brings it near. Bits do not depend on it.

use std::collections::{BTreeMap, BTreeSet};

use naga::Span;

use super::{Kernel, Op, Place, Space, Stmt, Sum, Ty, Value, ValueInfo, Var};

/// Bytes of a buffer that is worth it: more than what a core has of cache for itself. Below, the loads cost more than they save.
const FAR_BYTES: u32 = 4 << 20;
/// Most places of a loop: each is compared with those before it, and looked for by itself.
const PLACES_MAX: usize = 16;
/// Most operations between a variable and a place.
const STEPS_MAX: usize = 8;

/// Load sums a round ahead of the additions to them.
pub(crate) fn fetch_ahead(kernel: &mut Kernel) {
    let mut body = std::mem::take(&mut kernel.body);
    block(kernel, &mut body);
    kernel.body = body;
}

fn block(kernel: &mut Kernel, stmts: &mut [Stmt]) {
    for stmt in stmts {
        stmt.blocks_mut().for_each(|inner| block(kernel, inner));
        if let Stmt::Loop { body, next, .. } = stmt {
            let mut round = Round::default();
            round.look(body, &kernel.values, &kernel.sums);
            round.look(next, &kernel.values, &kernel.sums);
            for (place, var) in round.carried(&kernel.values) {
                fetch(kernel, body, &round, &place, var);
            }
        }
    }
}

/// What a loop does in a round.
#[derive(Default)]
struct Round {
    defined: BTreeSet<Value>,
    reads: BTreeMap<Value, Var>,
    /// How often each variable is set, as it stands in the text.
    sets: BTreeMap<Var, u32>,
    /// Where it adds to large buffers, each row once, [`PLACES_MAX`] at most.
    adds: Vec<Place>,
}

impl Round {
    fn look(&mut self, stmts: &[Stmt], values: &[ValueInfo], sums: &[Sum]) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(value) => {
                    self.defined.insert(*value);
                    if let Op::Get(var) = values[value.0 as usize].op {
                        self.reads.insert(*value, var);
                    }
                }
                Stmt::Load { first, count, .. } => self.defined.extend((first.0..first.0 + count).map(Value)),
                Stmt::Set(var, _) => *self.sets.entry(*var).or_default() += 1,
                Stmt::Atomic { result, at, .. } => {
                    self.defined.extend(result);
                    if let Space::Sum(sum) = at.space
                        && sums[usize::from(sum)].size >= FAR_BYTES
                        && self.adds.len() < PLACES_MAX
                        && self.adds.iter().all(|other| !is_same_row(other, at))
                    {
                        self.adds.push(at.clone());
                    }
                }
                _ => {}
            }
            stmt.blocks().for_each(|inner| self.look(inner, values, sums));
        }
    }

    /// Places that are computed from one variable, which is set once in a round, and from what the loop does not change.
    fn carried(&self, values: &[ValueInfo]) -> Vec<(Place, Var)> {
        let var_of = |place: &Place| {
            let mut vars = BTreeSet::new();
            let mut open: Vec<Value> = place.indices().collect();
            for _ in 0..=STEPS_MAX {
                let Some(value) = open.pop() else { break };
                match (self.reads.get(&value), values[value.0 as usize].op) {
                    (Some(var), _) => vars.extend([*var]),
                    (None, Op::Loaded) if self.defined.contains(&value) => return None,
                    (None, op) if self.defined.contains(&value) => open.extend(op.operands()),
                    _ => {}
                }
            }
            let var = vars.pop_first()?;
            let within = place.terms.iter().all(|term| term.proven);
            (within && open.is_empty() && vars.is_empty() && self.sets.get(&var) == Some(&1)).then_some(var)
        };
        let places = self.adds.iter();
        places.filter_map(|place| Some((place.clone(), var_of(place)?))).collect()
    }
}

fn is_same_row(a: &Place, b: &Place) -> bool {
    a.space == b.space && a.indices().eq(b.indices())
}

/// Behind the statement that sets the variable: a load of the place that follows from what it is set to.
fn fetch(kernel: &mut Kernel, stmts: &mut Vec<Stmt>, round: &Round, place: &Place, var: Var) {
    let set = stmts.iter().enumerate().find_map(|(at, stmt)| match stmt {
        Stmt::Set(set, value) if *set == var => Some((at, *value)),
        _ => None,
    });
    let Some((at, value)) = set else {
        let inner = stmts.iter_mut().filter(|stmt| !matches!(stmt, Stmt::Loop { .. }));
        return inner
            .flat_map(Stmt::blocks_mut)
            .for_each(|inner| fetch(kernel, inner, round, place, var));
    };
    let mut next = Next {
        kernel,
        round,
        value,
        made: Vec::new(),
    };
    let mut ahead = place.clone();
    for term in &mut ahead.terms {
        term.index = next.of(term.index);
    }
    let first = next.fresh(ValueInfo {
        op: Op::Loaded,
        ty: Ty::I32,
        max: u32::MAX,
    });
    let mut made = next.made;
    made.push(Stmt::Load {
        first,
        count: 1,
        at: ahead,
        agreed: false,
    });
    stmts.splice(at + 1..at + 1, made);
}

/// Values of the next round.
struct Next<'k> {
    kernel: &'k mut Kernel,
    round: &'k Round,
    /// What the variable is set to.
    value: Value,
    /// Where they are computed.
    made: Vec<Stmt>,
}

impl Next<'_> {
    /// The same computed from what the variable is set to. What was known of it is known of this: of what a variable holds nothing is known.
    fn of(&mut self, value: Value) -> Value {
        if self.round.reads.contains_key(&value) {
            return self.value;
        }
        if !self.round.defined.contains(&value) {
            return value;
        }
        let info = self.kernel.values[value.0 as usize];
        let op = match info.op {
            Op::Un(un, a) => Op::Un(un, self.of(a)),
            Op::Bin(bin, a, b) => Op::Bin(bin, self.of(a), self.of(b)),
            Op::Select(condition, a, b) => Op::Select(self.of(condition), self.of(a), self.of(b)),
            op => op,
        };
        let next = self.fresh(ValueInfo { op, ..info });
        self.made.push(Stmt::Let(next));
        next
    }

    fn fresh(&mut self, info: ValueInfo) -> Value {
        self.kernel.values.push(info);
        self.kernel.spans.push(Span::UNDEFINED);
        Value(self.kernel.values.len() as u32 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bin, Builder, Rmw};
    use super::*;

    /// `loop { slot = min(carried, limit); carried = list[i]; sums[slot] += 1 }`, with sums of so many bytes; or with the slot read in the same round; with as many limits as places. What each
    /// round of the loop computes and does, by names.
    fn rounds(bytes: u32, read_ahead: bool, places: u32) -> Vec<&'static str> {
        let mut b = Builder::new([1; 3]);
        let carried = b.var(Ty::I32);
        let label = b.label();
        let place = |space, terms| Place { space, base: 0, terms };
        b.open();
        let before = b.get(carried);
        let first = b.loaded(Ty::I32);
        b.push(Stmt::Load {
            first,
            count: 1,
            at: place(Space::Constant, Vec::new()),
            agreed: false,
        });
        b.set(carried, first);
        for place_number in 0..places {
            let limit = b.int(99 - place_number);
            let index = b.bin(Bin::MinU, if read_ahead { before } else { first }, limit);
            let value = b.int(1);
            let slot = super::super::Term {
                index,
                stride: 16,
                len: 100,
                proven: true,
            };
            for base in [0, 4] {
                b.push(Stmt::Atomic {
                    result: None,
                    rmw: Rmw::Add,
                    at: Place {
                        base,
                        ..place(Space::Sum(0), vec![slot])
                    },
                    value,
                });
            }
        }
        b.push(Stmt::Break(label));
        let body = b.close();
        b.push(Stmt::Loop {
            label,
            body,
            next: Vec::new(),
            until: None,
        });
        let mut kernel = b.finish();
        kernel.sums = vec![Sum {
            address: 0,
            size: bytes,
            weight: 1,
        }];
        fetch_ahead(&mut kernel);
        super::super::verify(&kernel).expect("it keeps the promises");
        let Some(Stmt::Loop { body, .. }) = kernel.body.last() else {
            panic!("{:?}", kernel.body)
        };
        let name = |stmt: &Stmt| match stmt {
            Stmt::Let(value) => match kernel.values[value.0 as usize].op {
                Op::Bin(Bin::MinU, of, _) if of == first => "least of what was read",
                Op::Bin(Bin::MinU, ..) => "least",
                _ => "",
            },
            Stmt::Load { at, .. } if at.space == Space::Constant => "read",
            Stmt::Load { .. } => "fetch",
            Stmt::Set(..) => "set",
            Stmt::Atomic { .. } => "add",
            _ => "",
        };
        body.iter().map(name).filter(|name| !name.is_empty()).collect()
    }

    #[test]
    fn a_large_sum_that_a_variable_carries_is_fetched_where_the_variable_is_set() {
        let fetched = ["read", "set", "least of what was read", "fetch", "least", "add", "add"];
        assert_eq!(rounds(FAR_BYTES, true, 1), fetched);
        assert_eq!(rounds(FAR_BYTES - 4, true, 1), ["read", "set", "least", "add", "add"]);
    }

    #[test]
    fn a_place_that_is_read_in_the_same_round_is_not() {
        let none = ["read", "least of what was read", "add", "add"];
        assert_eq!(rounds(FAR_BYTES, false, 1), none);
    }

    /// However many a kernel adds to, the work for a loop has an end.
    #[test]
    fn a_loop_has_so_many_places_at_most() {
        let fetched = |places| {
            rounds(FAR_BYTES, true, places)
                .iter()
                .filter(|name| **name == "fetch")
                .count()
        };
        assert_eq!([2, 16, 17, 40].map(fetched), [2, PLACES_MAX, PLACES_MAX, PLACES_MAX]);
    }
}

//! The order of pure values within a block: each stands right before the first statement that needs it, and what it is computed from right before it.
//!
//! A WebAssembly compiler computes a pure value where it is used but leaves loads where they stand, and operations take constants from memory. In this order both
//! come to the same: a constant is loaded where it is used, not long before.
//!
//! Additions to words that follow each other stay together, so that they can be made at once.
//!
//! Invariant: effects keep their order, and a variable is read between the same two statements that set it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::sums::row;
use super::{Kernel, Op, Stmt, Value, ValueInfo, Var};

/// Put all values of a kernel in order.
pub(crate) fn order(kernel: &mut Kernel) {
    let mut order = Order {
        values: &kernel.values,
        pending: vec![false; kernel.values.len()],
        open: Vec::new(),
        reads: BTreeMap::new(),
        sets: Vec::new(),
        done: Vec::new(),
    };
    let body = std::mem::take(&mut kernel.body);
    kernel.body = order.block(body, &BTreeSet::new());
}

struct Order<'k> {
    values: &'k [ValueInfo],
    /// Values whose place has come, but that nothing has needed yet.
    pending: Vec<bool>,
    /// Those of the open blocks, and some that are needed by now, in order of the text.
    open: Vec<Value>,
    /// Those of them that are read from variables.
    reads: BTreeMap<Var, Vec<Value>>,
    /// Variables that are set since the last effect: nobody sees it before the next one.
    sets: Vec<Stmt>,
    /// The statements so far of the innermost block.
    done: Vec<Stmt>,
}

impl Order<'_> {
    /// A block in order. `kept`: what is needed after it, in a loop's continuing part.
    fn block(&mut self, stmts: Vec<Stmt>, kept: &BTreeSet<Value>) -> Vec<Stmt> {
        let around = std::mem::take(&mut self.done);
        let start = self.open.len();
        let mut left = VecDeque::from(stmts);
        while let Some(stmt) = left.pop_front() {
            match stmt {
                Stmt::Let(value) => self.define(value, kept),
                Stmt::Set(var, value) => {
                    self.read(var);
                    self.sets.push(Stmt::Set(var, value));
                }
                Stmt::Finish(_) => {
                    stmt.uses(|value| self.need(value));
                    self.done.push(stmt);
                }
                stmt @ Stmt::Atomic { .. } => self.additions(stmt, &mut left, kept),
                stmt => self.effect(stmt),
            }
        }
        self.set();
        self.open.truncate(start);
        std::mem::replace(&mut self.done, around)
    }

    /// An atomic operation, and those behind it that add to the same row.
    fn additions(&mut self, first: Stmt, left: &mut VecDeque<Stmt>, kept: &BTreeSet<Value>) {
        let near = left
            .iter()
            .take_while(|stmt| matches!(stmt, Stmt::Let(_) | Stmt::Atomic { .. }))
            .filter(|stmt| matches!(stmt, Stmt::Atomic { .. }));
        let more = row(std::iter::once(&first).chain(near)).saturating_sub(1);
        let mut all = vec![first];
        while all.len() <= more
            && let Some(stmt) = left.pop_front()
        {
            match stmt {
                Stmt::Let(value) => self.define(value, kept),
                stmt => all.push(stmt),
            }
        }
        self.set();
        all.iter().for_each(|stmt| stmt.uses(|value| self.need(value)));
        all.into_iter().for_each(|stmt| self.effect(stmt));
    }

    fn define(&mut self, value: Value, kept: &BTreeSet<Value>) {
        self.pending[value.0 as usize] = true;
        self.open.push(value);
        let op = self.values[value.0 as usize].op;
        if let Op::Get(var) = op {
            self.set();
            self.reads.entry(var).or_default().push(value);
        }
        if matches!(op, Op::Const(_) | Op::Input(_)) || kept.contains(&value) {
            self.need(value);
        }
    }

    /// Set the variables that are to be set.
    fn set(&mut self) {
        for stmt in std::mem::take(&mut self.sets) {
            stmt.uses(|value| self.need(value));
            self.done.push(stmt);
        }
    }

    /// Read a variable, where that is still to be done.
    fn read(&mut self, var: Var) {
        for value in self.reads.remove(&var).unwrap_or_default() {
            self.need(value);
        }
    }

    /// A statement that something outside sees, or that holds blocks.
    fn effect(&mut self, stmt: Stmt) {
        self.set();
        stmt.uses(|value| self.need(value));
        self.before(&stmt);
        let none = BTreeSet::new();
        let stmt = match stmt {
            Stmt::If { cond, yes, no } => {
                let [yes, no] = [yes, no].map(|block| self.block(block, &none));
                Stmt::If { cond, yes, no }
            }
            Stmt::Scope { label, body } => {
                let body = self.block(body, &none);
                Stmt::Scope { label, body }
            }
            Stmt::Loop {
                label,
                body,
                next,
                until,
            } => {
                let mut kept: BTreeSet<Value> = until.into_iter().collect();
                uses(&next, self.values, &mut |value| {
                    kept.insert(value);
                });
                let [body, next] = [body, next].map(|block| self.block(block, &kept));
                Stmt::Loop {
                    label,
                    body,
                    next,
                    until,
                }
            }
            stmt => stmt,
        };
        self.done.push(stmt);
    }

    /// What must stand before a statement: what blocks in it use, what is read from variables that they set, and before a barrier everything.
    fn before(&mut self, stmt: &Stmt) {
        let mut set = BTreeSet::new();
        let mut barrier = false;
        visit(std::slice::from_ref(stmt), &mut |stmt| match stmt {
            Stmt::Set(var, _) => {
                set.insert(*var);
            }
            Stmt::Barrier(_) | Stmt::Load { agreed: true, .. } => barrier = true,
            _ => {}
        });
        if barrier {
            return std::mem::take(&mut self.open).into_iter().for_each(|value| self.need(value));
        }
        let values = self.values;
        stmt.blocks()
            .for_each(|block| uses(block, values, &mut |value| self.need(value)));
        if let Stmt::Loop { until: Some(until), .. } = stmt {
            self.need(*until);
        }
        set.into_iter().for_each(|var| self.read(var));
    }

    /// A value, and before it what it is computed from, as far as that does not stand yet.
    fn need(&mut self, value: Value) {
        let mut to_do = vec![(value, false)];
        while let Some((value, ready)) = to_do.pop() {
            if !self.pending[value.0 as usize] {
                continue;
            }
            if ready {
                self.pending[value.0 as usize] = false;
                self.done.push(Stmt::Let(value));
                continue;
            }
            to_do.push((value, true));
            let operands = self.values[value.0 as usize].op.operands();
            to_do.extend(operands.rev().map(|operand| (operand, false)));
        }
    }
}

/// All statements, and those in blocks of them.
fn visit(stmts: &[Stmt], look: &mut impl FnMut(&Stmt)) {
    for stmt in stmts {
        look(stmt);
        stmt.blocks().for_each(|block| visit(block, look));
    }
}

/// All values that these statements, their blocks and their values are computed from.
pub(super) fn uses(stmts: &[Stmt], values: &[ValueInfo], look: &mut impl FnMut(Value)) {
    visit(stmts, &mut |stmt| {
        stmt.uses(&mut *look);
        match stmt {
            Stmt::Loop { until: Some(until), .. } => look(*until),
            Stmt::Let(value) => values[value.0 as usize].op.operands().for_each(&mut *look),
            _ => {}
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::{Bin, Builder, Place, Rmw, Space, Ty, verify};
    use super::*;

    fn place() -> Place {
        Place {
            space: Space::Storage,
            base: 0,
            terms: Vec::new(),
        }
    }

    /// What is left of a kernel when it is in order, a word for each statement.
    fn words(mut kernel: Kernel) -> Vec<String> {
        order(&mut kernel);
        assert_eq!(verify(&kernel).map_err(|fault| fault.to_string()), Ok(()));
        let mut words = Vec::new();
        visit(&kernel.body, &mut |stmt| {
            words.push(match stmt {
                Stmt::Let(value) => format!("{:?}", kernel.values[value.0 as usize].op),
                Stmt::Set(var, value) => format!("set {} {}", var.0, value.0),
                Stmt::Store { values, .. } => format!("store {}", values[0].0),
                Stmt::Loop { .. } => "loop".to_owned(),
                Stmt::Barrier(_) => "barrier".to_owned(),
                stmt => format!("{stmt:?}"),
            });
        });
        words.retain(|word| !word.starts_with("Const"));
        words
    }

    #[test]
    fn values_stand_before_the_first_effect_that_needs_them() {
        let mut b = Builder::new([1; 3]);
        let [one, two] = [1.0, 2.0].map(|float| b.float(float));
        let sum = b.bin(Bin::FAdd, one, two);
        let product = b.bin(Bin::FMul, two, two);
        let bits = [product, sum].map(|float| b.un(super::super::Un::RawBits, float));
        for value in bits {
            b.push(Stmt::Store {
                at: place(),
                values: vec![value],
            });
        }
        let words = words(b.finish());
        let at = |word: &str| words.iter().position(|other| other.starts_with(word));
        assert!(at("Bin(FMul") < at("store"), "{words:?}");
        assert!(at("store") < at("Bin(FAdd"), "{words:?}");
    }

    /// `before` is read, then the variable is set, then `before` is stored.
    #[test]
    fn a_variable_is_read_before_it_is_set_anew() {
        let mut b = Builder::new([1; 3]);
        let var = b.var(Ty::I32);
        let label = b.label();
        b.open();
        let before = b.get(var);
        let one = b.int(1);
        b.set(var, one);
        b.push(Stmt::Store {
            at: place(),
            values: vec![before],
        });
        b.push(Stmt::Break(label));
        let body = b.close();
        b.forget([var].into_iter());
        b.push(Stmt::Loop {
            label,
            body,
            next: Vec::new(),
            until: None,
        });
        let end = b.get(var);
        b.push(Stmt::Store {
            at: place(),
            values: vec![end],
        });
        let words = words(b.finish());
        let at = |word: &str| words.iter().position(|other| other.starts_with(word));
        assert!(at("Get") < at("set"), "{words:?}");
        assert!(at("set") < at("store"), "{words:?}");
    }

    #[test]
    fn additions_to_one_row_stay_together() {
        let mut b = Builder::new([1; 3]);
        let zero = b.float(0.0);
        for word in 0..3 {
            let size = b.float(word as f32 + 1.5);
            let sum = b.bin(Bin::FAdd, size, zero);
            let value = b.un(super::super::Un::FloatToS, sum);
            b.push(Stmt::Atomic {
                result: None,
                at: Place {
                    base: 4 * word,
                    ..place()
                },
                rmw: Rmw::Add,
                value,
            });
        }
        let words = words(b.finish());
        let is_addition = |word: &String| word.starts_with("Atomic");
        let first = words.iter().position(is_addition).unwrap_or_default();
        assert!(words[first..].iter().all(is_addition), "{words:?}");
    }

    /// Nothing that is computed before a barrier is computed after it, where all that it depends on would have to wait.
    #[test]
    fn a_barrier_is_not_crossed() {
        let mut b = Builder::new([1; 3]);
        let one = b.float(1.0);
        let sum = b.bin(Bin::FAdd, one, one);
        let bits = b.un(super::super::Un::RawBits, sum);
        b.push(Stmt::Barrier(super::super::Orders::WORKGROUP));
        b.push(Stmt::Store {
            at: place(),
            values: vec![bits],
        });
        let words = words(b.finish());
        let at = |word: &str| words.iter().position(|other| other.starts_with(word));
        assert!(at("Un(RawBits") < at("barrier"), "{words:?}");
    }
}

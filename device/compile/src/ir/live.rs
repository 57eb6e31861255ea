//! Leaves out what nothing depends on: values that nothing uses, loads of them, results of atomic operations, and variables that feed none
//! but themselves.
//!
//! Memory, control flow and watches count as uses. A variable counts as read only where what is read is used: `w` of a vector that is
//! carried through a loop, but never looked at, goes.

use super::{Kernel, Op, Place, Rmw, Stmt, Value, Var, Watch};

/// What is used, as far as found.
struct Live<'k> {
    kernel: &'k Kernel,
    values: Vec<bool>,
    vars: Vec<bool>,
    /// What each variable is set to, anywhere.
    set_to: Vec<Vec<Value>>,
    /// What a loaded value's address is made of.
    indices: Vec<&'k [super::Term]>,
    /// Used values whose operands are still to be visited.
    open: Vec<Value>,
}

/// Leave out what is not used.
pub(super) fn prune(kernel: &mut Kernel) {
    let mut live = Live {
        kernel,
        values: vec![false; kernel.values.len()],
        vars: vec![false; kernel.vars.len()],
        set_to: vec![Vec::new(); kernel.vars.len()],
        indices: vec![&[]; kernel.values.len()],
        open: Vec::new(),
    };
    live.block(&kernel.body);
    live.close();
    let (values, vars) = (live.values, live.vars);
    drop_dead(&mut kernel.body, &values, &vars);
}

impl<'k> Live<'k> {
    fn use_value(&mut self, value: Value) {
        if !std::mem::replace(&mut self.values[value.0 as usize], true) {
            self.open.push(value);
        }
    }

    fn use_place(&mut self, at: &Place) {
        at.terms.iter().for_each(|term| self.use_value(term.index));
    }

    /// Notes what statements use, and what variables and loaded values would use.
    fn block(&mut self, stmts: &'k [Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(_) | Stmt::Finish(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::Barrier(_) => {}
                Stmt::Set(Var(var), value) => self.set_to[*var as usize].push(*value),
                Stmt::Load {
                    first,
                    count,
                    at,
                    agreed,
                } => {
                    let loaded = first.0 as usize..(first.0 + count) as usize;
                    self.indices[loaded].fill(&at.terms);
                    if *agreed {
                        self.use_value(*first);
                    }
                }
                Stmt::Store { at, values } => {
                    self.use_place(at);
                    values.iter().for_each(|value| self.use_value(*value));
                }
                Stmt::Atomic { rmw, at, value, .. } => {
                    self.use_place(at);
                    self.use_value(*value);
                    if let Rmw::CompareExchange(expected) = rmw {
                        self.use_value(*expected);
                    }
                }
                Stmt::Zero { at, .. } => self.use_place(at),
                Stmt::If { cond, yes, no } => {
                    self.use_value(*cond);
                    self.block(yes);
                    self.block(no);
                }
                Stmt::Loop { body, next, until, .. } => {
                    until.iter().for_each(|until| self.use_value(*until));
                    self.block(body);
                    self.block(next);
                }
                Stmt::Scope { body, .. } => self.block(body),
                Stmt::Watch(_, watch) => match watch {
                    Watch::Float { value, .. } | Watch::Convert(value, _) => self.use_value(*value),
                    Watch::Access(at, ..) => self.use_place(at),
                },
            }
        }
    }

    /// Follows uses to their operands until there are no more.
    fn close(&mut self) {
        while let Some(value) = self.open.pop() {
            match self.kernel.values[value.0 as usize].op {
                Op::Get(Var(var)) => {
                    if !std::mem::replace(&mut self.vars[var as usize], true) {
                        let values = std::mem::take(&mut self.set_to[var as usize]);
                        values.into_iter().for_each(|value| self.use_value(value));
                    }
                }
                Op::Loaded => {
                    let indices = self.indices[value.0 as usize];
                    indices.iter().for_each(|term| self.use_value(term.index));
                }
                op => op.operands().for_each(|value| self.use_value(value)),
            }
        }
    }
}

fn drop_dead(block: &mut Vec<Stmt>, values: &[bool], vars: &[bool]) {
    block.retain_mut(|stmt| match stmt {
        Stmt::Let(value) => values[value.0 as usize],
        Stmt::Set(var, _) => vars[var.0 as usize],
        Stmt::Load { first, count, .. } => values[first.0 as usize..(first.0 + *count) as usize].contains(&true),
        Stmt::Atomic { result, .. } => {
            *result = result.filter(|result| values[result.0 as usize]);
            true
        }
        Stmt::If { yes, no, .. } => {
            drop_dead(yes, values, vars);
            drop_dead(no, values, vars);
            true
        }
        Stmt::Loop { body, next, .. } => {
            drop_dead(body, values, vars);
            drop_dead(next, values, vars);
            true
        }
        Stmt::Scope { body, .. } => {
            drop_dead(body, values, vars);
            true
        }
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use super::super::{Bin, Builder, Space, Ty};
    use super::*;

    /// `count` is written out, `idle` counts for nobody; so does a load.
    #[test]
    fn what_feeds_only_itself_goes() {
        let mut b = Builder::new([1; 3]);
        let place = |terms| Place {
            space: Space::Storage,
            base: 0,
            terms,
        };
        let (count, idle) = (b.var(Ty::I32), b.var(Ty::I32));
        let one = b.int(1);
        let label = b.label();
        b.open();
        for var in [count, idle] {
            let before = b.get(var);
            let after = b.bin(Bin::IAdd, before, one);
            b.set(var, after);
        }
        let first = b.loaded(Ty::I32);
        b.push(Stmt::Load {
            first,
            count: 1,
            at: place(Vec::new()),
            agreed: false,
        });
        b.push(Stmt::Break(label));
        let body = b.close();
        b.forget([count, idle].into_iter());
        b.push(Stmt::Loop {
            label,
            body,
            next: Vec::new(),
            until: None,
        });
        let end = b.get(count);
        b.push(Stmt::Store {
            at: place(Vec::new()),
            values: vec![end],
        });
        let kernel = b.finish();
        let [_, Stmt::Loop { body, .. }, Stmt::Let(read), Stmt::Store { .. }] = kernel.body.as_slice() else {
            panic!("{:?}", kernel.body);
        };
        assert_eq!(*read, end);
        let [Stmt::Let(_), Stmt::Let(_), Stmt::Set(var, _), Stmt::Break(_)] = body.as_slice() else {
            panic!("{body:?}");
        };
        assert_eq!(*var, count);
    }
}

//! `switch`: a few cases as a chain of `else if`, many as two searches by halves: from the selector to the number of the case, and from that
//! number to its statements.

use naga::{Block, Expression, Handle, SwitchCase, SwitchValue};

use super::{Fault, Frame, Lower, fault};
use crate::ir::{Bin, Label, Stmt, Ty, Value, Var};

/// Most values that become a chain.
const CHAIN_MAX: usize = 16;
/// Values at the end of a search, each compared.
const LEAF_MAX: usize = 8;

/// The cases of a `switch`.
struct Arms<'m> {
    /// Each selector value that a case names, with the number of its statements.
    values: Vec<(u32, u32)>,
    blocks: Vec<&'m Block>,
    /// The number of the statements of all other values; that of no statements where there is no `default`.
    default: u32,
}

impl<'m> Arms<'m> {
    fn of(cases: &'m [SwitchCase]) -> Result<Self, Fault> {
        let mut arms = Self {
            values: Vec::new(),
            blocks: Vec::new(),
            default: u32::MAX,
        };
        for case in cases {
            let number = arms.blocks.len() as u32;
            match case.value {
                SwitchValue::I32(value) => arms.values.push((value as u32, number)),
                SwitchValue::U32(value) => arms.values.push((value, number)),
                SwitchValue::Default => arms.default = number,
            }
            match (case.fall_through, case.body.is_empty()) {
                (false, _) => arms.blocks.push(&case.body),
                (true, true) => {}
                (true, false) => return fault("a case that falls through with a body".to_owned()),
            }
        }
        arms.default = arms.default.min(arms.blocks.len() as u32);
        // What the default does needs no search.
        let default = arms.default;
        arms.values.retain(|(_, number)| *number != default);
        arms.values.sort_unstable();
        Ok(arms)
    }
}

impl<'m> Lower<'m> {
    /// In a scope that `break` leaves.
    pub(super) fn switch(
        &mut self,
        frame: &mut Frame<'m>,
        selector: Handle<Expression>,
        cases: &'m [SwitchCase],
    ) -> Result<(), Fault> {
        let selector = self.word(frame, selector)?;
        let arms = Arms::of(cases)?;
        let label = self.b.label();
        self.targets.push((label, false));
        self.b.open();
        let mut bodies = Vec::with_capacity(arms.blocks.len() + 1);
        for block in &arms.blocks {
            bodies.push(self.arm(frame, block, label)?);
        }
        if arms.default as usize == bodies.len() {
            bodies.push(Vec::new());
        }
        if arms.values.len() <= CHAIN_MAX {
            self.chain(selector, &arms, bodies);
        } else {
            let number = self.b.var(Ty::I32);
            // With a value from the start, it is seen to be the same for all of a workgroup where the selector is.
            let default = self.b.int(arms.default);
            self.b.set(number, default);
            self.find(selector, &arms.values, arms.default, number);
            let number = self.b.get(number);
            self.run_one(number, &mut bodies, 0);
        }
        let body = self.b.close();
        self.targets.pop();
        self.b.push(Stmt::Scope { label, body });
        Ok(())
    }

    fn chain(&mut self, selector: Value, arms: &Arms<'m>, mut bodies: Vec<Vec<Stmt>>) {
        let mut conditions: Vec<Option<Value>> = vec![None; bodies.len()];
        for (value, number) in &arms.values {
            let value = self.b.int(*value);
            let equal = self.b.ieq(selector, value);
            let condition = &mut conditions[*number as usize];
            *condition = Some(match *condition {
                Some(before) => self.b.or(before, equal),
                None => equal,
            });
        }
        // Built from the last case to the first, so that the nesting costs no recursion.
        let mut no = std::mem::take(&mut bodies[arms.default as usize]);
        for (cond, yes) in conditions.into_iter().zip(bodies).rev() {
            if let Some(cond) = cond {
                no = vec![Stmt::If { cond, yes, no }];
            }
        }
        no.into_iter().for_each(|stmt| self.b.push(stmt));
    }

    /// Set `number` to that of the selector's case, which is among `values`, or to `default`.
    fn find(&mut self, selector: Value, values: &[(u32, u32)], default: u32, number: Var) {
        if values.len() <= LEAF_MAX {
            let mut found = self.b.int(default);
            for (value, case) in values {
                let (value, case) = (self.b.int(*value), self.b.int(*case));
                let equal = self.b.ieq(selector, value);
                found = self.b.select(equal, case, found);
            }
            return self.b.set(number, found);
        }
        let (low, high) = values.split_at(values.len() / 2);
        let first = self.b.int(high[0].0);
        let cond = self.b.bin(Bin::LtU, selector, first);
        self.b.open();
        self.find(selector, low, default, number);
        let yes = self.b.close();
        self.b.open();
        self.find(selector, high, default, number);
        let no = self.b.close();
        self.b.push(Stmt::If { cond, yes, no });
    }

    /// The statements with this number; those given are numbered from `first`.
    fn run_one(&mut self, number: Value, bodies: &mut [Vec<Stmt>], first: u32) {
        if let [body] = bodies {
            std::mem::take(body).into_iter().for_each(|stmt| self.b.push(stmt));
            return;
        }
        let half = bodies.len() / 2;
        let (low, high) = bodies.split_at_mut(half);
        let middle = self.b.int(first + half as u32);
        let cond = self.b.bin(Bin::LtU, number, middle);
        self.b.open();
        self.run_one(number, low, first);
        let yes = self.b.close();
        self.b.open();
        self.run_one(number, high, first + half as u32);
        let no = self.b.close();
        self.b.push(Stmt::If { cond, yes, no });
    }

    /// One case; a `break` at its end is what happens anyway.
    fn arm(&mut self, frame: &mut Frame<'m>, block: &'m Block, label: Label) -> Result<Vec<Stmt>, Fault> {
        let mut body = self.nested(frame, block)?;
        if matches!(body.last(), Some(Stmt::Break(target)) if *target == label) {
            body.pop();
        }
        Ok(body)
    }
}

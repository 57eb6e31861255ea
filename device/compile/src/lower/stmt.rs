//! Statements and calls.

use naga::{AtomicFunction, Barrier, Block, Expression, Function, Handle, ScalarKind, Statement};

use super::place::{Pointer, Root};
use super::shape::Shape;
use super::{DEPTH_MAX, Fault, Frame, Lower, Lowered, STATEMENTS_MAX, VALUES_MAX, fault, is_zero};
use crate::ir::{Orders, Place, Rmw, Stmt, Touch, Ty, Value, Var};

impl<'m> Lower<'m> {
    pub(super) fn block(&mut self, frame: &mut Frame<'m>, block: &'m Block) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::limit(
                "nesting of blocks and calls",
                u64::from(self.depth),
                u64::from(DEPTH_MAX),
            ));
        }
        for (statement, span) in block.span_iter() {
            self.within_limits()?;
            self.statements += 1;
            if self.statements > STATEMENTS_MAX {
                let what = "a kernel with its calls inlined, in statements,";
                return Err(Fault::limit(what, self.statements, STATEMENTS_MAX));
            }
            self.b.span = *span;
            self.statement(frame, statement)?;
            if matches!(statement, Statement::Break | Statement::Continue | Statement::Return { .. }) {
                break;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Whether there are few enough values.
    fn within_limits(&self) -> Result<(), Fault> {
        let values = self.b.kernel.values.len() as u64;
        if values <= VALUES_MAX {
            return Ok(());
        }
        let what = "a kernel with its calls inlined, in values,";
        Err(Fault::limit(what, values, VALUES_MAX))
    }

    pub(super) fn nested(&mut self, frame: &mut Frame<'m>, block: &'m Block) -> Result<Vec<Stmt>, Fault> {
        self.b.open();
        self.block(frame, block)?;
        Ok(self.b.close())
    }

    fn statement(&mut self, frame: &mut Frame<'m>, statement: &'m Statement) -> Result<(), Fault> {
        match statement {
            Statement::Emit(range) => {
                for handle in range.clone() {
                    self.b.span = frame.function.expressions.get_span(handle);
                    self.evaluate(frame, handle)?;
                    self.within_limits()?;
                }
            }
            Statement::Block(block) => self.block(frame, block)?,
            Statement::If {
                condition,
                accept,
                reject,
            } => {
                let cond = self.word(frame, *condition)?;
                // An `override` often decides: what is not taken is not compiled.
                if let Some(bits) = self.b.constant_of(cond) {
                    let taken = if bits == 0 { reject } else { accept };
                    if returns(taken) == 0 && !taken.iter().any(leaves) {
                        return self.block(frame, taken);
                    }
                }
                let yes = self.nested(frame, accept)?;
                let no = self.nested(frame, reject)?;
                self.b.push(Stmt::If { cond, yes, no });
            }
            Statement::Switch { selector, cases } => self.switch(frame, *selector, cases)?,
            Statement::Loop {
                body,
                continuing,
                break_if,
            } => {
                let label = self.b.label();
                self.targets.push((label, true));
                let set = self.assigned(frame, [body, continuing])?;
                // What the body defines, the continuing block may use.
                self.b.open();
                self.b.forget(set.iter().copied());
                self.block(frame, body)?;
                let body = self.b.close();
                self.b.open();
                self.block(frame, continuing)?;
                let until = match break_if {
                    Some(cond) => Some(self.word(frame, *cond)?),
                    None => None,
                };
                let next = self.b.close();
                self.targets.pop();
                self.b.push(Stmt::Loop {
                    label,
                    body,
                    next,
                    until,
                });
            }
            Statement::Break => match self.targets.last() {
                Some((label, _)) => self.b.push(Stmt::Break(*label)),
                None => return fault("break outside a loop".to_owned()),
            },
            Statement::Continue => match self.targets.iter().rev().find(|(_, is_loop)| *is_loop) {
                Some((label, _)) => self.b.push(Stmt::Continue(*label)),
                None => return fault("continue outside a loop".to_owned()),
            },
            Statement::Return { value } => {
                if let Some(value) = value {
                    let words = self.words(frame, *value)?;
                    for (var, word) in frame.result.clone().into_iter().zip(words) {
                        self.b.set(var, word);
                    }
                }
                frame.returns += 1;
                self.b.push(Stmt::Break(frame.exit));
            }
            Statement::ControlBarrier(barrier) | Statement::MemoryBarrier(barrier) => {
                if barrier.contains(Barrier::SUB_GROUP) {
                    return fault("the CPU device has no subgroups".to_owned());
                }
                self.b.push(Stmt::Barrier(Orders {
                    storage: barrier.contains(Barrier::STORAGE),
                    workgroup: barrier.contains(Barrier::WORK_GROUP),
                }));
            }
            Statement::Store { pointer, value } => {
                let target = self.pointer(frame, *pointer)?;
                if is_zero(self.module, &frame.function.expressions, *value) && matches!(target.root, Root::Packed { .. }) {
                    return self.initialise(&target, None);
                }
                let words = self.words(frame, *value)?;
                if target.shape.is_atomic(self.module) {
                    self.atomic(&target, Rmw::Store, words[0])?;
                } else {
                    self.store(&target, &words)?;
                }
            }
            Statement::Atomic {
                pointer,
                fun,
                value,
                result,
            } => {
                let target = self.pointer(frame, *pointer)?;
                let signed = target
                    .shape
                    .scalar(self.module)
                    .is_some_and(|scalar| scalar.kind == ScalarKind::Sint);
                let value = self.word(frame, *value)?;
                let rmw = match fun {
                    AtomicFunction::Add => Rmw::Add,
                    AtomicFunction::Subtract => Rmw::Sub,
                    AtomicFunction::And => Rmw::And,
                    AtomicFunction::InclusiveOr => Rmw::Or,
                    AtomicFunction::ExclusiveOr => Rmw::Xor,
                    AtomicFunction::Min if signed => Rmw::MinS,
                    AtomicFunction::Min => Rmw::MinU,
                    AtomicFunction::Max if signed => Rmw::MaxS,
                    AtomicFunction::Max => Rmw::MaxU,
                    AtomicFunction::Exchange { compare: None } => Rmw::Exchange,
                    AtomicFunction::Exchange { compare: Some(compare) } => Rmw::CompareExchange(self.word(frame, *compare)?),
                };
                let (old, inside) = self.atomic(&target, rmw, value)?;
                if let Some(result) = result {
                    let mut words = vec![old];
                    if let Rmw::CompareExchange(compare) = rmw {
                        let equal = self.b.ieq(old, compare);
                        words.push(self.or_zero(inside, equal));
                    }
                    frame.exprs[result.index()] = Some(Lowered::Words(words));
                }
            }
            Statement::WorkGroupUniformLoad { pointer, result } => {
                self.b.push(Stmt::Barrier(Orders::WORKGROUP));
                let source = self.pointer(frame, *pointer)?;
                let words = self.load(&source, true)?;
                self.b.push(Stmt::Barrier(Orders::WORKGROUP));
                frame.exprs[result.index()] = Some(Lowered::Words(words));
            }
            Statement::Call {
                function,
                arguments,
                result,
            } => self.call(frame, *function, arguments, *result)?,
            other => return fault(format!("the CPU device does not run this statement: {}", name_of(other))),
        }
        Ok(())
    }

    /// One atomic operation. Returns what was there before, 0 out of bounds; and whether it is within bounds, where that was asked.
    pub(super) fn atomic(&mut self, target: &Pointer, rmw: Rmw, value: Value) -> Result<(Value, Option<Value>), Fault> {
        let mut place = self.atomic_place(target)?;
        self.watch_access(&place, 1, Touch::Atomic);
        let touch = if rmw == Rmw::Load { Touch::Read } else { Touch::Atomic };
        if touch == Touch::Read {
            target.root.pad(&mut place);
        }
        let inside = self.inside(&target.root, touch);
        let result = self.b.loaded(Ty::I32);
        self.b.push(Stmt::Atomic {
            result: Some(result),
            rmw,
            at: place,
            value,
        });
        Ok((self.or_zero(inside, result), inside))
    }

    fn atomic_place(&self, target: &Pointer) -> Result<Place, Fault> {
        match target.shape.scalar(self.module) {
            Some(scalar) if scalar.kind != ScalarKind::Float && scalar.width == 4 => {}
            _ => return fault("the CPU device has atomics of u32 and i32 only".to_owned()),
        }
        match &target.root {
            Root::Host { place, .. } | Root::Packed { place, .. } => Ok(place.clone()),
            Root::Vars { .. } => fault("an atomic outside storage and workgroup memory".to_owned()),
        }
    }

    fn call(
        &mut self,
        frame: &mut Frame<'m>,
        function: Handle<Function>,
        arguments: &[Handle<Expression>],
        result: Option<Handle<Expression>>,
    ) -> Result<(), Fault> {
        let module = self.module;
        let callee = &module.functions[function];
        let mut lowered = Vec::new();
        for argument in arguments {
            lowered.push(self.evaluate(frame, *argument)?);
        }
        let vars: Vec<Var> = match &callee.result {
            Some(result) => {
                let leaves = Shape::Named(result.ty).leaves(module)?;
                let vars: Vec<Var> = leaves.iter().map(|leaf| self.b.var(leaf.ty)).collect();
                // With a value from the start, a result that several `return`s give is seen to be the same for all of a workgroup.
                if returns(&callee.body) > 1 {
                    for (var, leaf) in vars.iter().zip(&leaves) {
                        let zero = self.b.constant(leaf.ty, 0);
                        self.b.set(*var, zero);
                    }
                }
                vars
            }
            None => Vec::new(),
        };
        let span = self.b.span;
        // The exact library's own steps may be odd; what it is given and what it gives may not.
        let checks = self.checks;
        self.checks = checks.filter(|checks| !(checks.trusted)(callee));
        let exit = self.b.label();
        let targets = std::mem::take(&mut self.targets);
        self.b.open();
        let mut inner = self.frame(callee, &self.info[function], lowered, exit, vars.clone())?;
        self.block(&mut inner, &callee.body)?;
        self.leave(&inner);
        self.targets = targets;
        self.b.span = span;
        let quiet = checks.is_some() && self.checks.is_none();
        self.checks = checks;
        if let Some(result) = result {
            let words: Vec<Value> = vars.iter().map(|var| self.b.get(*var)).collect();
            if quiet {
                self.watch_floats(&words);
            }
            frame.exprs[result.index()] = Some(Lowered::Words(words));
        }
        Ok(())
    }
}

/// Whether a statement leaves a loop or a turn of it, so that what follows may not run.
fn leaves(statement: &Statement) -> bool {
    match statement {
        Statement::Break | Statement::Continue => true,
        Statement::Block(block) => block.iter().any(leaves),
        Statement::If { accept, reject, .. } => accept.iter().chain(reject.iter()).any(leaves),
        Statement::Switch { cases, .. } => cases.iter().any(|case| case.body.iter().any(leaves)),
        _ => false,
    }
}

/// How many `return`s a block has.
fn returns(block: &Block) -> usize {
    let each = block.iter().map(|statement| match statement {
        Statement::Return { .. } => 1,
        Statement::Block(block) => returns(block),
        Statement::If { accept, reject, .. } => returns(accept) + returns(reject),
        Statement::Switch { cases, .. } => cases.iter().map(|case| returns(&case.body)).sum(),
        Statement::Loop { body, continuing, .. } => returns(body) + returns(continuing),
        _ => 0,
    });
    each.sum()
}

fn name_of(statement: &Statement) -> String {
    let text = format!("{statement:?}");
    text.split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_owned()
}

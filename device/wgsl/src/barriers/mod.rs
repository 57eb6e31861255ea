//! Whether every barrier is reached by all invocations of a workgroup together, as WGSL demands.
//!
//! A barrier that some invocations miss has no meaning: a GPU goes on with whatever is in memory, a CPU waits for ever. The analysis
//! walks an entry point once for the whole workgroup, after the uniformity analysis of the WGSL specification (section 15.2): a value is
//! *varying* if it may differ between the invocations that are at a place, and control flow is *apart* where some of them may be
//! missing. It follows variables in the order of the statements; a loop is walked until nothing changes, and a function once
//! for each combination of what it is called with. A variable that is indexed at run time anywhere counts as varying: the CPU device keeps it in
//! memory, and the verdict is to be one.
//!
//! | module | owns |
//! |---|---|
//! | `state` | which variables vary at a place, and which invocations may be missing |
//! | `values` | whether a value varies |
//!
//! Invariant: what passes here reaches its barriers together on every device. The verdict depends on the module alone.

use std::collections::{BTreeMap, BTreeSet};

use naga::{Block, Expression, Function, Handle, Module, ShaderStage, Span, Statement};

mod state;
mod values;

use state::{Activation, Around, Own, State, Summary};
use values::{indexed, indexed_in, is_varying, root};

use crate::pointers;
use crate::refusal::{Reason, Refusal};

/// Most statements that are walked; a text of the size that is allowed takes a few thousand.
const STEPS_MAX: u64 = 4_000_000;

/// What is wrong with the barriers of each compute entry point of a valid module, for tools that look at texts which may be refused.
pub fn refused(module: &Module) -> Vec<Refusal> {
    let mut module = module.clone();
    pointers::lower(&mut module);
    let points = module.entry_points.iter().enumerate();
    let compute = points.filter(|(_, point)| point.stage == ShaderStage::Compute);
    compute.filter_map(|(entry, _)| check(&module, entry).err()).collect()
}

/// Look at an entry point of a module without pointer parameters.
pub(crate) fn check(module: &Module, entry: usize) -> Result<(), Refusal> {
    let point = &module.entry_points[entry];
    let functions = module.functions.iter().map(|(_, function)| function);
    if !functions.chain([&point.function]).any(|function| has_barrier(&function.body)) {
        return Ok(());
    }
    let mut walker = Walker {
        module,
        steps: 0,
        known: BTreeMap::new(),
        indexed: indexed(module),
    };
    let arguments = point.function.arguments.iter().map(|argument| match &argument.binding {
        Some(binding) => is_varying(binding),
        None => true,
    });
    let privates = vec![false; module.global_variables.len()];
    walker.function(&point.function, arguments.collect(), false, privates)?;
    Ok(())
}

fn has_barrier(block: &Block) -> bool {
    block.iter().any(|statement| match statement {
        Statement::ControlBarrier(_) | Statement::WorkGroupUniformLoad { .. } => true,
        Statement::Block(block) => has_barrier(block),
        Statement::If { accept, reject, .. } => has_barrier(accept) || has_barrier(reject),
        Statement::Switch { cases, .. } => cases.iter().any(|case| has_barrier(&case.body)),
        Statement::Loop { body, continuing, .. } => has_barrier(body) || has_barrier(continuing),
        _ => false,
    })
}

/// Function, arguments that vary, whether it is called apart, private variables that vary.
type Situation = (usize, Vec<bool>, bool, Vec<bool>);

struct Walker<'a> {
    module: &'a Module,
    steps: u64,
    known: BTreeMap<Situation, Summary>,
    /// Private variables that are indexed at run time.
    indexed: BTreeSet<Own>,
}

impl<'a> Walker<'a> {
    fn function(
        &mut self,
        function: &'a Function,
        arguments: Vec<bool>,
        called_apart: bool,
        privates: Vec<bool>,
    ) -> Result<Summary, Refusal> {
        let mut activation = Activation {
            function,
            arguments,
            called_apart,
            values: vec![false; function.expressions.len()],
            state: Some(State {
                locals: vec![false; function.local_variables.len()],
                privates,
            }),
            indexed: indexed_in(function),
            divided: 0,
            returned: false,
            around: Vec::new(),
            assigned: BTreeSet::new(),
            result: false,
            returns: None,
        };
        for (handle, expression) in function.expressions.iter() {
            if expression.needs_pre_emit() {
                activation.values[handle.index()] = self.value(&activation, handle);
            }
        }
        self.block(&mut activation, &function.body)?;
        let state = activation.state.take();
        Activation::end(&mut activation.returns, state);
        let is_private = |own: &Own| matches!(own, Own::Private(_));
        let assigned: BTreeSet<Own> = activation.assigned.iter().copied().filter(is_private).collect();
        let mut privates = activation.returns.map(|state| state.privates).unwrap_or_default();
        privates.resize(self.module.global_variables.len(), false);
        if activation.returned {
            assigned.iter().for_each(|own| {
                if let Own::Private(index) = own {
                    privates[*index] = true;
                }
            });
        }
        Ok(Summary {
            result: activation.result || activation.returned,
            privates,
            assigned,
        })
    }

    fn block(&mut self, now: &mut Activation<'a>, block: &'a Block) -> Result<(), Refusal> {
        for (statement, span) in block.span_iter() {
            if now.state.is_none() {
                // Not reached.
                return Ok(());
            }
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Err(Refusal::at(*span, &Reason::BarriersTooInvolved));
            }
            self.statement(now, statement, *span)?;
        }
        Ok(())
    }

    fn statement(&mut self, now: &mut Activation<'a>, statement: &'a Statement, span: Span) -> Result<(), Refusal> {
        match statement {
            Statement::Emit(range) => {
                for handle in range.clone() {
                    now.values[handle.index()] = self.value(now, handle);
                }
            }
            Statement::Block(block) => self.block(now, block)?,
            Statement::If {
                condition,
                accept,
                reject,
            } => self.branches(now, *condition, [accept, reject].into_iter())?,
            Statement::Switch { selector, cases } => {
                let outer = std::mem::take(&mut now.assigned);
                now.around.push(Around::default());
                self.branches(now, *selector, cases.iter().map(|case| &case.body))?;
                let around = now.around.pop().unwrap_or_default();
                Activation::end(&mut now.state, around.exits);
                if around.left {
                    let assigned = now.assigned.clone();
                    now.mix(&assigned);
                }
                now.assigned.extend(outer);
            }
            Statement::Loop {
                body,
                continuing,
                break_if,
            } => self.repeat(now, body, continuing, *break_if)?,
            Statement::Break => {
                let apart = now.is_apart();
                let state = now.state.take();
                if let Some(around) = now.around.last_mut() {
                    around.left |= apart;
                    Activation::end(&mut around.exits, state);
                }
            }
            Statement::Continue => {
                let apart = now.is_apart();
                let state = now.state.take();
                // Switches between here and the loop are left, too.
                for around in now.around.iter_mut().rev() {
                    if around.is_loop {
                        around.skipped |= apart;
                        Activation::end(&mut around.continues, state);
                        break;
                    }
                    around.left |= apart;
                }
            }
            Statement::Return { value } => {
                now.result |= value.is_some_and(|value| now.varying(value));
                if now.is_apart() {
                    now.returned = true;
                }
                let state = now.state.take();
                Activation::end(&mut now.returns, state);
            }
            Statement::ControlBarrier(_) => Self::together(now, span, "this barrier")?,
            Statement::WorkGroupUniformLoad { pointer, result } => {
                Self::together(now, span, "this workgroupUniformLoad")?;
                if now.varying(*pointer) {
                    return Err(Refusal::at(span, &Reason::PlaceNotUniform));
                }
                now.values[result.index()] = false;
            }
            Statement::Store { pointer, value } => {
                let (root, whole) = root(now.function, *pointer);
                if let Some(own) = self.own(now.function, root) {
                    let varying = now.varying(*value) || now.varying(*pointer);
                    now.assigned.insert(own);
                    if let Some(state) = &mut now.state {
                        let slot = state.slot(own);
                        *slot = varying || (*slot && !whole);
                    }
                }
            }
            Statement::Atomic {
                result: Some(result), ..
            } => now.values[result.index()] = true,
            Statement::Call {
                function,
                arguments,
                result,
            } => {
                let arguments: Vec<bool> = arguments.iter().map(|argument| now.varying(*argument)).collect();
                let apart = now.called_apart || now.is_apart();
                let Some(state) = &mut now.state else { return Ok(()) };
                let situation = (function.index(), arguments.clone(), apart, state.privates.clone());
                let summary = match self.known.get(&situation) {
                    Some(summary) => summary.clone(),
                    None => {
                        let callee = &self.module.functions[*function];
                        let summary = self.function(callee, arguments, apart, state.privates.clone())?;
                        self.known.insert(situation, summary.clone());
                        summary
                    }
                };
                state.privates = summary.privates;
                now.assigned.extend(summary.assigned);
                if let Some(result) = result {
                    now.values[result.index()] = summary.result;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn together(now: &Activation<'a>, span: Span, what: &'static str) -> Result<(), Refusal> {
        if !now.called_apart && !now.is_apart() {
            return Ok(());
        }
        Err(Refusal::at(span, &Reason::NotUniform(what)))
    }

    /// Alternatives, of which each invocation takes one.
    fn branches(
        &mut self,
        now: &mut Activation<'a>,
        condition: Handle<Expression>,
        blocks: impl Iterator<Item = &'a Block>,
    ) -> Result<(), Refusal> {
        let varying = now.varying(condition);
        let before = now.state.clone();
        let outer = std::mem::take(&mut now.assigned);
        now.divided += u32::from(varying);
        let mut after = None;
        // Stored to in a block that goes on behind the branches, and in any block.
        let (mut mixed, mut all) = (BTreeSet::new(), outer);
        for block in blocks {
            now.state = before.clone();
            self.block(now, block)?;
            let assigned = std::mem::take(&mut now.assigned);
            if now.state.is_some() {
                mixed.extend(assigned.iter().copied());
            }
            all.extend(assigned);
            Activation::end(&mut after, now.state.take());
        }
        now.divided -= u32::from(varying);
        now.state = after;
        if varying {
            now.mix(&mixed);
        }
        now.assigned = all;
        Ok(())
    }

    fn repeat(
        &mut self,
        now: &mut Activation<'a>,
        body: &'a Block,
        continuing: &'a Block,
        break_if: Option<Handle<Expression>>,
    ) -> Result<(), Refusal> {
        let outer = std::mem::take(&mut now.assigned);
        let mut head = now.state.clone();
        now.around.push(Around {
            is_loop: true,
            ..Around::default()
        });
        loop {
            let before = (
                head.clone(),
                now.returned,
                now.around.last().is_some_and(|around| around.left),
            );
            now.state = head.clone();
            self.block(now, body)?;
            let depth = now.around.len() - 1;
            let skipped = std::mem::take(&mut now.around[depth].skipped);
            let continues = now.around[depth].continues.take();
            Activation::end(&mut now.state, continues);
            if skipped {
                let assigned = now.assigned.clone();
                now.mix(&assigned);
            }
            self.block(now, continuing)?;
            if let Some(condition) = break_if.filter(|_| now.state.is_some()) {
                let condition = self.value(now, condition) || now.varying(condition);
                let state = now.state.clone();
                let around = &mut now.around[depth];
                around.left |= condition;
                Activation::end(&mut around.exits, state);
            }
            let state = now.state.take();
            Activation::end(&mut head, state);
            let after = (head.clone(), now.returned, now.around[depth].left);
            if before == after {
                break;
            }
        }
        let around = now.around.pop().unwrap_or_default();
        now.state = around.exits;
        if around.left {
            let assigned = now.assigned.clone();
            now.mix(&assigned);
        }
        now.assigned.extend(outer);
        Ok(())
    }
}

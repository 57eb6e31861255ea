//! Which variables a loop sets: what they held before it is not what they hold in its second turn.

use std::collections::BTreeSet;

use naga::{Block, Expression, Handle, Statement};

use super::place::Root;
use super::{Fault, Frame, Lower, Lowered};
use crate::ir::Var;

/// Most statements and variables looked at for all loops together, each as often as loops around it are inlined.
const LOOKS_MAX: u64 = 4_000_000;

/// Variables found so far.
#[derive(Default)]
struct Found {
    vars: BTreeSet<Var>,
    /// A call was found: it may set every private variable of the module.
    globals: bool,
    looks: u64,
}

impl Found {
    fn root(&mut self, root: &Root) {
        self.looks += 1;
        if let Root::Vars { vars } = root {
            self.looks += vars.len() as u64;
            self.vars.extend(vars);
        }
    }
}

impl<'m> Lower<'m> {
    /// Variables in registers that these blocks, or what they call, may set; perhaps some more.
    pub(super) fn assigned(&mut self, frame: &Frame<'m>, blocks: [&Block; 2]) -> Result<BTreeSet<Var>, Fault> {
        let mut found = Found {
            looks: self.looks,
            ..Found::default()
        };
        for block in blocks {
            self.assigned_in(frame, block, &mut found);
        }
        self.looks = found.looks;
        if self.looks > LOOKS_MAX {
            let what = "a kernel with its calls inlined, in variables of loops,";
            return Err(Fault::limit(what, self.looks, LOOKS_MAX));
        }
        Ok(found.vars)
    }

    fn assigned_in(&self, frame: &Frame<'m>, block: &Block, found: &mut Found) {
        for statement in block {
            if found.looks > LOOKS_MAX {
                return;
            }
            found.looks += 1;
            match statement {
                Statement::Store { pointer, .. } => self.target(frame, *pointer, found),
                Statement::Call { arguments, .. } => {
                    arguments.iter().for_each(|argument| self.target(frame, *argument, found));
                    if !std::mem::replace(&mut found.globals, true) {
                        self.globals.values().for_each(|pointer| found.root(&pointer.root));
                    }
                }
                Statement::Block(block) => self.assigned_in(frame, block, found),
                Statement::If { accept, reject, .. } => {
                    self.assigned_in(frame, accept, found);
                    self.assigned_in(frame, reject, found);
                }
                Statement::Switch { cases, .. } => cases.iter().for_each(|case| self.assigned_in(frame, &case.body, found)),
                Statement::Loop { body, continuing, .. } => {
                    self.assigned_in(frame, body, found);
                    self.assigned_in(frame, continuing, found);
                }
                _ => {}
            }
        }
    }

    /// The variables a pointer may lead to.
    fn target(&self, frame: &Frame<'m>, mut pointer: Handle<Expression>, found: &mut Found) {
        loop {
            match frame.function.expressions[pointer] {
                Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => pointer = base,
                Expression::LocalVariable(handle) => return found.root(&frame.locals[handle.index()].root),
                Expression::FunctionArgument(index) => {
                    if let Lowered::Pointer(argument) = &frame.arguments[index as usize] {
                        found.root(&argument.root);
                    }
                    return;
                }
                Expression::GlobalVariable(handle) => {
                    if let Some(global) = self.globals.get(&handle) {
                        found.root(&global.root);
                    }
                    return;
                }
                _ => return,
            }
        }
    }
}

//! Which variables a loop sets: what they held before it is not what they hold in its second turn.

use std::collections::BTreeSet;

use naga::{Block, Expression, Handle, Statement};

use super::place::Root;
use super::{Frame, Lower, Lowered};
use crate::ir::Var;

impl<'m> Lower<'m> {
    /// Variables in registers that these blocks, or what they call, may set; perhaps some more.
    pub(super) fn assigned(&self, frame: &Frame<'m>, blocks: [&Block; 2]) -> BTreeSet<Var> {
        let mut found = BTreeSet::new();
        blocks
            .into_iter()
            .for_each(|block| self.assigned_in(frame, block, &mut found));
        found
    }

    fn assigned_in(&self, frame: &Frame<'m>, block: &Block, found: &mut BTreeSet<Var>) {
        for statement in block {
            match statement {
                Statement::Store { pointer, .. } => self.target(frame, *pointer, found),
                Statement::Call { arguments, .. } => {
                    arguments.iter().for_each(|argument| self.target(frame, *argument, found));
                    self.globals.values().for_each(|pointer| vars(&pointer.root, found));
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
    fn target(&self, frame: &Frame<'m>, mut pointer: Handle<Expression>, found: &mut BTreeSet<Var>) {
        loop {
            match frame.function.expressions[pointer] {
                Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => pointer = base,
                Expression::LocalVariable(handle) => return vars(&frame.locals[handle.index()].root, found),
                Expression::FunctionArgument(index) => {
                    if let Lowered::Pointer(argument) = &frame.arguments[index as usize] {
                        vars(&argument.root, found);
                    }
                    return;
                }
                Expression::GlobalVariable(handle) => {
                    if let Some(global) = self.globals.get(&handle) {
                        vars(&global.root, found);
                    }
                    return;
                }
                _ => return,
            }
        }
    }
}

fn vars(root: &Root, found: &mut BTreeSet<Var>) {
    if let Root::Vars { vars } = root {
        found.extend(vars);
    }
}

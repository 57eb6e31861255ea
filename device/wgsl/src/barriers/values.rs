//! Whether a value varies: what an expression reads, and which variable a pointer leads to.

use std::collections::BTreeSet;

use naga::{AddressSpace, Binding, BuiltIn, Expression, Function, Handle, Module, StorageAccess, TypeInner};

use super::Walker;
use super::state::{Activation, Own};
use crate::operands::each_operand;

/// Whether an input differs between the invocations of a workgroup.
pub(super) fn is_varying(binding: &Binding) -> bool {
    !matches!(binding, Binding::BuiltIn(BuiltIn::WorkGroupId | BuiltIn::NumWorkGroups))
}

impl Walker<'_> {
    pub(super) fn own(&self, function: &Function, root: Handle<Expression>) -> Option<Own> {
        match function.expressions[root] {
            Expression::LocalVariable(local) => Some(Own::Local(local.index())),
            Expression::GlobalVariable(global) => {
                let private = self.module.global_variables[global].space == AddressSpace::Private;
                private.then_some(Own::Private(global.index()))
            }
            _ => None,
        }
    }

    /// Whether an expression varies here. Of a pointer: whether where it leads does.
    pub(super) fn value(&self, now: &Activation<'_>, handle: Handle<Expression>) -> bool {
        match &now.function.expressions[handle] {
            Expression::FunctionArgument(index) => now.arguments[*index as usize],
            Expression::AccessIndex { base, index } => {
                if let Expression::FunctionArgument(argument) = now.function.expressions[*base] {
                    let ty = now.function.arguments[argument as usize].ty;
                    if let TypeInner::Struct { members, .. } = &self.module.types[ty].inner
                        && let Some(binding) = &members[*index as usize].binding
                    {
                        return is_varying(binding);
                    }
                }
                now.varying(*base)
            }
            Expression::Load { pointer } => now.varying(*pointer) || self.content(now, *pointer),
            Expression::CallResult(_) | Expression::AtomicResult { .. } | Expression::WorkGroupUniformLoadResult { .. } => {
                now.varying(handle)
            }
            Expression::LocalVariable(_)
            | Expression::GlobalVariable(_)
            | Expression::Literal(_)
            | Expression::Constant(_)
            | Expression::Override(_)
            | Expression::ZeroValue(_)
            | Expression::ArrayLength(_) => false,
            other => {
                let mut any = false;
                each_operand(&mut other.clone(), |operand| any |= now.varying(*operand));
                any
            }
        }
    }

    /// Whether what lies where a pointer leads varies, if all invocations look at the same place.
    fn content(&self, now: &Activation<'_>, pointer: Handle<Expression>) -> bool {
        let (root, _) = root(now.function, pointer);
        match now.function.expressions[root] {
            Expression::LocalVariable(local) if now.indexed.contains(&Own::Local(local.index())) => true,
            Expression::LocalVariable(local) => now.state.as_ref().is_some_and(|state| state.locals[local.index()]),
            Expression::GlobalVariable(global) => match self.module.global_variables[global].space {
                AddressSpace::Private if self.indexed.contains(&Own::Private(global.index())) => true,
                AddressSpace::Private => now.state.as_ref().is_some_and(|state| state.privates[global.index()]),
                AddressSpace::Uniform => false,
                AddressSpace::Storage { access } => access.contains(StorageAccess::STORE),
                _ => true,
            },
            _ => true,
        }
    }
}

/// Variables that a function indexes by what is no constant.
pub(super) fn indexed_in(function: &Function) -> BTreeSet<Own> {
    let mut found = BTreeSet::new();
    for (_, expression) in function.expressions.iter() {
        let Expression::Access { base, index } = expression else {
            continue;
        };
        let fixed = matches!(function.expressions[*index], Expression::Literal(_) | Expression::Constant(_));
        match function.expressions[root(function, *base).0] {
            Expression::LocalVariable(local) if !fixed => found.insert(Own::Local(local.index())),
            Expression::GlobalVariable(global) if !fixed => found.insert(Own::Private(global.index())),
            _ => false,
        };
    }
    found
}

/// Those of all functions.
pub(super) fn indexed(module: &Module) -> BTreeSet<Own> {
    let functions = module.functions.iter().map(|(_, function)| function);
    let all = functions.chain(module.entry_points.iter().map(|point| &point.function));
    let all = all.flat_map(indexed_in);
    all.filter(|own| matches!(own, Own::Private(_))).collect()
}

/// The variable that a pointer begins with, and whether it is all of it.
pub(super) fn root(function: &Function, mut pointer: Handle<Expression>) -> (Handle<Expression>, bool) {
    let mut whole = true;
    while let Expression::Access { base, .. } | Expression::AccessIndex { base, .. } = function.expressions[pointer] {
        pointer = base;
        whole = false;
    }
    (pointer, whole)
}

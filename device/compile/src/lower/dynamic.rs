//! Which variables are indexed by what is only known at run time: they lie in memory, all others in registers.

use std::collections::{BTreeMap, BTreeSet};

use naga::{Block, Expression, Function, Handle, Module, Statement};

/// Where a pointer expression starts.
#[derive(Clone, Copy)]
enum Origin {
    Local(usize),
    Argument(usize),
    Global(usize),
}

/// Variables that are indexed dynamically, by index.
#[derive(Default)]
pub(super) struct Dynamic {
    pub(super) globals: BTreeSet<usize>,
    locals: BTreeMap<*const Function, BTreeSet<usize>>,
}

impl Dynamic {
    pub(super) fn of(module: &Module, entry: &Function) -> Self {
        let mut dynamic = Self::default();
        let mut arguments = Vec::new();
        for (_, function) in module.functions.iter() {
            let of_function = dynamic.function(function, &arguments);
            arguments.push(of_function);
        }
        dynamic.function(entry, &arguments);
        dynamic
    }

    pub(super) fn locals_of(&self, function: &Function) -> BTreeSet<usize> {
        self.locals.get(&std::ptr::from_ref(function)).cloned().unwrap_or_default()
    }

    /// Notes a function's variables, and returns those of its arguments that are indexed.
    fn function(&mut self, function: &Function, callees: &[BTreeSet<usize>]) -> BTreeSet<usize> {
        let mut arguments = BTreeSet::new();
        let mut roots = Vec::new();
        for (_, expression) in function.expressions.iter() {
            if let Expression::Access { base, .. } = expression {
                roots.extend(origin(function, *base));
            }
        }
        calls(&function.body, &mut |callee, passed| {
            for index in callees.get(callee).into_iter().flatten() {
                roots.extend(passed.get(*index).and_then(|argument| origin(function, *argument)));
            }
        });
        let mut locals = BTreeSet::new();
        for root in roots {
            match root {
                Origin::Local(index) => locals.insert(index),
                Origin::Argument(index) => arguments.insert(index),
                Origin::Global(index) => self.globals.insert(index),
            };
        }
        self.locals.insert(std::ptr::from_ref(function), locals);
        arguments
    }
}

fn origin(function: &Function, mut pointer: Handle<Expression>) -> Option<Origin> {
    loop {
        match function.expressions[pointer] {
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => pointer = base,
            Expression::LocalVariable(handle) => return Some(Origin::Local(handle.index())),
            Expression::FunctionArgument(index) => return Some(Origin::Argument(index as usize)),
            Expression::GlobalVariable(handle) => return Some(Origin::Global(handle.index())),
            _ => return None,
        }
    }
}

fn calls(block: &Block, found: &mut impl FnMut(usize, &[Handle<Expression>])) {
    for statement in block {
        match statement {
            Statement::Call { function, arguments, .. } => found(function.index(), arguments),
            Statement::Block(inner) => calls(inner, found),
            Statement::If { accept, reject, .. } => {
                calls(accept, found);
                calls(reject, found);
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| calls(&case.body, found)),
            Statement::Loop { body, continuing, .. } => {
                calls(body, found);
                calls(continuing, found);
            }
            _ => {}
        }
    }
}

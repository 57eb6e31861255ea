//! Which lines of a pass compute what it stores in a buffer: its stores first, then the arithmetic that feeds them.

use std::collections::BTreeSet;

use device::Resource;
use kernels::package::Package;
use naga::{Block, Expression, Function, Handle, Module, Statement};

use super::Line;

/// Most lines that are shown.
const LINES_MAX: usize = 12;

/// The lines, by file of the package. Empty where the text cannot be read again, which a checked package's always can.
pub(super) fn lines(package: &Package, pass: usize, buffer: usize) -> Vec<Line> {
    let program = package.program();
    let desc = &program.passes[pass];
    let text = &program.modules[desc.module].source;
    let Ok(module) = naga::front::wgsl::parse_str(text) else {
        return Vec::new();
    };
    let bindings: BTreeSet<u32> = desc
        .bindings
        .iter()
        .filter(|(_, resource)| **resource == Resource::Buffer(buffer))
        .map(|(binding, _)| *binding)
        .collect();
    let entry = module.entry_points.iter().find(|entry| entry.name == desc.entry);
    let functions = entry.map(|entry| &entry.function).into_iter();
    let functions = functions.chain(module.functions.iter().map(|(_, function)| function));
    let (mut stores, mut feeds) = (BTreeSet::new(), BTreeSet::new());
    for function in functions {
        let mut reader = Reader {
            module: &module,
            function,
            text,
            bindings: &bindings,
            stores: &mut stores,
            feeds: &mut feeds,
        };
        reader.block(&function.body);
    }
    let files = &package.manifest().passes[pass].shader;
    stores
        .iter()
        .chain(feeds.difference(&stores))
        .take(LINES_MAX)
        .filter_map(|number| place(package, files, *number))
        .collect()
}

/// A line of the joined text as a line of its file.
fn place(package: &Package, files: &[String], number: u32) -> Option<Line> {
    let mut left = number;
    for file in files {
        let text = package.shaders().get(file)?;
        let count = text.lines().count() as u32;
        if left <= count {
            return Some(Line {
                file: file.clone(),
                number: left,
                text: text.lines().nth(left as usize - 1)?.trim().to_owned(),
            });
        }
        left -= count;
    }
    None
}

struct Reader<'a> {
    module: &'a Module,
    function: &'a Function,
    text: &'a str,
    bindings: &'a BTreeSet<u32>,
    stores: &'a mut BTreeSet<u32>,
    feeds: &'a mut BTreeSet<u32>,
}

impl Reader<'_> {
    fn block(&mut self, block: &Block) {
        for (statement, span) in block.span_iter() {
            match statement {
                Statement::Store { pointer, value } if self.is_ours(*pointer) => {
                    self.stores.insert(span.location(self.text).line_number);
                    self.feed(*value, &mut BTreeSet::new());
                }
                Statement::Atomic { pointer, value, .. } if self.is_ours(*pointer) => {
                    self.stores.insert(span.location(self.text).line_number);
                    self.feed(*value, &mut BTreeSet::new());
                }
                Statement::Call { arguments, .. } if arguments.iter().any(|argument| self.is_ours(*argument)) => {
                    self.stores.insert(span.location(self.text).line_number);
                }
                Statement::Block(inner) => self.block(inner),
                Statement::If { accept, reject, .. } => {
                    self.block(accept);
                    self.block(reject);
                }
                Statement::Switch { cases, .. } => cases.iter().for_each(|case| self.block(&case.body)),
                Statement::Loop { body, continuing, .. } => {
                    self.block(body);
                    self.block(continuing);
                }
                _ => {}
            }
        }
    }

    /// Whether a pointer leads into one of the bindings.
    fn is_ours(&self, mut pointer: Handle<Expression>) -> bool {
        loop {
            match self.function.expressions[pointer] {
                Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => pointer = base,
                Expression::GlobalVariable(variable) => {
                    let binding = &self.module.global_variables[variable].binding;
                    return binding
                        .as_ref()
                        .is_some_and(|binding| self.bindings.contains(&binding.binding));
                }
                _ => return false,
            }
        }
    }

    /// Note the arithmetic that a value is made of, through calls' results and local variables' stores.
    fn feed(&mut self, value: Handle<Expression>, seen: &mut BTreeSet<u32>) {
        if !seen.insert(value.index() as u32) {
            return;
        }
        let note = |this: &mut Self| {
            let span = this.function.expressions.get_span(value);
            if span.is_defined() {
                this.feeds.insert(span.location(this.text).line_number);
            }
        };
        let parts: Vec<Handle<Expression>> = match &self.function.expressions[value] {
            Expression::Binary { left, right, .. } => {
                note(self);
                vec![*left, *right]
            }
            Expression::Math {
                arg, arg1, arg2, arg3, ..
            } => {
                note(self);
                [Some(*arg), *arg1, *arg2, *arg3].into_iter().flatten().collect()
            }
            Expression::CallResult(_) => {
                note(self);
                Vec::new()
            }
            Expression::As { expr, .. } | Expression::Unary { expr, .. } => vec![*expr],
            Expression::Select { accept, reject, .. } => vec![*accept, *reject],
            Expression::Compose { components, .. } => components.clone(),
            Expression::Splat { value, .. } => vec![*value],
            Expression::Swizzle { vector, .. } => vec![*vector],
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => vec![*base],
            Expression::Load { pointer } => self.stored(*pointer),
            _ => Vec::new(),
        };
        parts.into_iter().for_each(|part| self.feed(part, seen));
    }

    /// What is stored in the local variable that a pointer leads to.
    fn stored(&self, mut pointer: Handle<Expression>) -> Vec<Handle<Expression>> {
        let root = |mut pointer: Handle<Expression>| loop {
            match self.function.expressions[pointer] {
                Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => pointer = base,
                Expression::LocalVariable(variable) => return Some(variable),
                _ => return None,
            }
        };
        while let Expression::Access { base, .. } | Expression::AccessIndex { base, .. } = self.function.expressions[pointer] {
            pointer = base;
        }
        let Some(variable) = root(pointer) else { return Vec::new() };
        let mut values = Vec::new();
        let mut blocks = vec![&self.function.body];
        while let Some(block) = blocks.pop() {
            for statement in block.iter() {
                match statement {
                    Statement::Store { pointer, value } if root(*pointer) == Some(variable) => values.push(*value),
                    Statement::Block(inner) => blocks.push(inner),
                    Statement::If { accept, reject, .. } => blocks.extend([accept, reject]),
                    Statement::Switch { cases, .. } => blocks.extend(cases.iter().map(|case| &case.body)),
                    Statement::Loop { body, continuing, .. } => blocks.extend([body, continuing]),
                    _ => {}
                }
            }
        }
        values
    }
}

//! Loops whose end is watched, for devices that leave a loop after some number of rounds without a word.
//!
//! A loop of WGSL ends by `break`, `return` or `break if` alone. So each watched loop has a mark of its own, set in front of it and cleared by
//! whatever ends it: a mark that is still set behind the loop tells that the device gave up, and that is noted in a buffer
//! ([`crate::Stage::unfinished`]), for the device to fail by name instead of going on with wrong values.
//!
//! A mark lies in an array that is indexed by a number from that buffer (0, which no compiler knows), so that it stays in memory: as a
//! register it would be what the compiler concludes from a loop that it knows to end only there.

use naga::{
    ArraySize, BinaryOperator, Block, Expression, GlobalVariable, Handle, LocalVariable, ResourceBinding, Span, Statement,
    StorageAccess, Type, TypeInner,
};

use super::Refusal;
use super::rebuild::Rebuild;

type H = Handle<Expression>;

/// Words of the buffer: whether a loop was left unfinished, and the index of every mark, which is 0.
pub(crate) const WORDS: u32 = 2;

/// Declare the buffer of a module, at a binding behind all others. Gives its number.
///
/// # Errors
/// There is no number behind them.
pub(crate) fn declare(module: &mut naga::Module) -> Result<(Handle<GlobalVariable>, u32), Refusal> {
    let bindings = module.global_variables.iter();
    let last = bindings
        .filter_map(|(handle, variable)| Some((variable.binding?.binding, handle)))
        .max();
    let binding = match last {
        None => 0,
        Some((number, handle)) => number.checked_add(1).ok_or_else(|| {
            let text = format!("found @binding({number}), expected a smaller number");
            Refusal::at(module.global_variables.get_span(handle), text)
        })?,
    };
    let ty = pair(&mut module.types);
    let variable = GlobalVariable {
        name: Some("unfinished".to_owned()),
        space: naga::AddressSpace::Storage {
            access: StorageAccess::LOAD | StorageAccess::STORE,
        },
        binding: Some(ResourceBinding { group: 0, binding }),
        ty,
        init: None,
        memory_decorations: naga::MemoryDecorations::empty(),
    };
    Ok((module.global_variables.append(variable, Span::UNDEFINED), binding))
}

/// `array<u32, 2>`
fn pair(types: &mut naga::UniqueArena<Type>) -> Handle<Type> {
    let word = Type {
        name: None,
        inner: TypeInner::Scalar(naga::Scalar::U32),
    };
    let base = types.insert(word, Span::UNDEFINED);
    let pair = Type {
        name: None,
        inner: TypeInner::Array {
            base,
            size: ArraySize::Constant(const { std::num::NonZeroU32::new(WORDS).unwrap() }),
            stride: 4,
        },
    };
    types.insert(pair, Span::UNDEFINED)
}

fn has_loop(block: &Block) -> bool {
    block.iter().any(|statement| match statement {
        Statement::Loop { .. } => true,
        Statement::Block(block) => has_loop(block),
        Statement::If { accept, reject, .. } => has_loop(accept) || has_loop(reject),
        Statement::Switch { cases, .. } => cases.iter().any(|case| has_loop(&case.body)),
        _ => false,
    })
}

/// Whether a loop's body leaves the loop by `break`.
fn has_break(block: &Block) -> bool {
    block.iter().any(|statement| match statement {
        Statement::Break => true,
        Statement::Block(block) => has_break(block),
        Statement::If { accept, reject, .. } => has_break(accept) || has_break(reject),
        _ => false,
    })
}

impl Rebuild<'_> {
    /// Load the marks' index where a function begins that has loops.
    pub(super) fn marks_index(&mut self) {
        if let Some(unfinished) = self.context.policy.unfinished.filter(|_| has_loop(&self.old.body)) {
            let base = self.declare(Expression::GlobalVariable(unfinished));
            let pointer = self.emit(Expression::AccessIndex { base, index: 1 });
            self.marks = Some(self.emit(Expression::Load { pointer }));
        }
    }

    /// Set the mark of a loop that begins here.
    pub(super) fn set_mark(&mut self, span: Span) -> Option<H> {
        let index = self.marks?;
        let local = LocalVariable {
            name: None,
            ty: pair(self.types),
            init: None,
        };
        let local = self.new.local_variables.append(local, span);
        let base = self.declare(Expression::LocalVariable(local));
        let mark = self.emit(Expression::Access { base, index });
        let value = self.word(1);
        self.push(Statement::Store { pointer: mark, value }, span);
        Some(mark)
    }

    /// For a loop that ends by `return` alone: a `break` under a condition that is never met, for the start of its body. Without it a
    /// compiler knows that nothing gets behind the loop, and drops what stands there.
    pub(super) fn exit_that_is_not_taken(&mut self, mark: Option<H>, body: &Block) -> Option<Statement> {
        let index = self.marks.filter(|_| mark.is_some() && !has_break(body))?;
        let zero = self.word(0);
        let condition = self.binary(BinaryOperator::NotEqual, index, zero);
        Some(Statement::If {
            condition,
            accept: Block::from_vec(vec![Statement::Break]),
            reject: Block::new(),
        })
    }

    /// Clear the mark of the loop that is left here.
    pub(super) fn clear_mark(&mut self, mark: Option<H>, span: Span) {
        if let Some(pointer) = mark {
            let value = self.word(0);
            self.push(Statement::Store { pointer, value }, span);
        }
    }

    /// Clear it under a condition.
    pub(super) fn clear_mark_if(&mut self, mark: Option<H>, condition: H, span: Span) {
        if let Some(pointer) = mark {
            let value = self.word(0);
            let clear = Statement::If {
                condition,
                accept: Block::from_vec(vec![Statement::Store { pointer, value }]),
                reject: Block::new(),
            };
            self.push(clear, span);
        }
    }

    /// Behind the loop: note a mark that is still set.
    pub(super) fn look_at_mark(&mut self, mark: Option<H>, span: Span) {
        let (Some(mark), Some(unfinished)) = (mark, self.context.policy.unfinished) else {
            return;
        };
        let mark = self.emit(Expression::Load { pointer: mark });
        let (zero, value) = (self.word(0), self.word(1));
        let condition = self.binary(BinaryOperator::NotEqual, mark, zero);
        let base = self.declare(Expression::GlobalVariable(unfinished));
        let pointer = self.emit(Expression::AccessIndex { base, index: 0 });
        let note = Statement::If {
            condition,
            accept: Block::from_vec(vec![Statement::Store { pointer, value }]),
            reject: Block::new(),
        };
        self.push(note, span);
    }
}

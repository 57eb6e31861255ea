//! Loops whose end is watched, for devices that leave a loop after some number of rounds without a word.
//!
//! A loop of WGSL ends by `break`, `return` or `break if` alone. So each watched loop has a mark of its own, set in front of it and cleared by
//! whatever ends it: a mark that is still set behind the loop tells that the device gave up, and that is noted in a buffer
//! ([`crate::Stage::unfinished`]), for the device to fail by name instead of going on with wrong values.
//!
//! A mark lies in an array that is indexed by a number from that buffer (0, which no compiler knows), so that it stays in memory: the
//! driver's compiler cannot constant-fold it from the loop's exit condition.

use std::num::NonZeroU32;
use std::ops::Range;

use naga::{
    ArraySize, BinaryOperator, Block, Expression, GlobalVariable, Handle, LocalVariable, ResourceBinding, Span, Statement,
    StorageAccess, Type, TypeInner,
};

use super::Refusal;
use super::rebuild::Rebuild;
use crate::Reason;

type H = Handle<Expression>;

/// The buffer in which loops are noted that a device left before their end: a word for each loop behind a word that stays 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopNotes {
    /// `@binding(n)`
    pub binding: u32,
    /// Where each loop stands in the WGSL, in bytes, where that is known: those of the functions, then those of the entry point.
    pub loops: Vec<Option<Range<usize>>>,
}

impl LoopNotes {
    /// Bytes of the buffer, which is zero at first.
    pub fn bytes(&self) -> u64 {
        4 * (1 + self.loops.len() as u64)
    }

    /// The first loop of the text that is noted in the buffer's content.
    pub fn first(&self, content: &[u8]) -> Option<usize> {
        let (words, _) = content.as_chunks::<4>();
        words.iter().skip(1).position(|word| *word != [0; 4])
    }
}

/// The mark of a loop.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    /// Pointer to it.
    pointer: H,
    /// The loop's word in the buffer.
    word: u32,
}

/// Places of the loops of a block, in the order in which they begin.
pub(super) fn loops(block: &Block) -> Vec<Option<Range<usize>>> {
    let mut found = Vec::new();
    for (statement, span) in block.span_iter() {
        match statement {
            Statement::Loop { body, continuing, .. } => {
                found.push(span.to_range());
                found.extend(loops(body));
                found.extend(loops(continuing));
            }
            Statement::Block(block) => found.extend(loops(block)),
            Statement::If { accept, reject, .. } => {
                found.extend(loops(accept));
                found.extend(loops(reject));
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| found.extend(loops(&case.body))),
            _ => {}
        }
    }
    found
}

/// Declare the buffer of a module with one entry point, at a binding behind all others.
///
/// # Errors
/// There is no number behind them.
pub(crate) fn declare(module: &mut naga::Module) -> Result<(Handle<GlobalVariable>, LoopNotes), Refusal> {
    let bindings = module.global_variables.iter();
    let last = bindings
        .filter_map(|(handle, variable)| Some((variable.binding?.binding, handle)))
        .max();
    let binding = match last {
        None => 0,
        Some((number, handle)) => number
            .checked_add(1)
            .ok_or_else(|| Refusal::at(module.global_variables.get_span(handle), &Reason::LastBinding(number)))?,
    };
    let functions = module.functions.iter().map(|(_, function)| function);
    let points = module.entry_points.iter().map(|point| &point.function);
    let loops: Vec<_> = functions.chain(points).flat_map(|function| loops(&function.body)).collect();
    let variable = GlobalVariable {
        name: Some("unfinished".to_owned()),
        space: naga::AddressSpace::Storage {
            access: StorageAccess::LOAD | StorageAccess::STORE,
        },
        binding: Some(ResourceBinding { group: 0, binding }),
        ty: words(&mut module.types, 1 + loops.len() as u32),
        init: None,
        memory_decorations: naga::MemoryDecorations::empty(),
    };
    let variable = module.global_variables.append(variable, Span::UNDEFINED);
    Ok((variable, LoopNotes { binding, loops }))
}

/// `array<u32, count>`
fn words(types: &mut naga::UniqueArena<Type>, count: u32) -> Handle<Type> {
    let word = Type {
        name: None,
        inner: TypeInner::Scalar(naga::Scalar::U32),
    };
    let base = types.insert(word, Span::UNDEFINED);
    let array = Type {
        name: None,
        inner: TypeInner::Array {
            base,
            size: ArraySize::Constant(NonZeroU32::MIN.saturating_add(count - 1)),
            stride: 4,
        },
    };
    types.insert(array, Span::UNDEFINED)
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
        if let Some(unfinished) = self.context.policy.unfinished.filter(|_| !loops(&self.old.body).is_empty()) {
            let base = self.declare(Expression::GlobalVariable(unfinished));
            let pointer = self.emit(Expression::AccessIndex { base, index: 0 });
            self.marks = Some(self.emit(Expression::Load { pointer }));
        }
    }

    /// Set the mark of a loop that begins here.
    pub(super) fn set_mark(&mut self, span: Span) -> Option<Mark> {
        let index = self.marks?;
        self.next_loop += 1;
        let word = self.next_loop;
        let local = LocalVariable {
            name: None,
            ty: words(self.types, 2),
            init: None,
        };
        let local = self.new.local_variables.append(local, span);
        let base = self.declare(Expression::LocalVariable(local));
        let pointer = self.emit(Expression::Access { base, index });
        let value = self.word(1);
        self.push(Statement::Store { pointer, value }, span);
        Some(Mark { pointer, word })
    }

    /// For a loop that ends by `return` alone: a `break` under a condition that is never met, for the start of its body. Without it a
    /// compiler knows that nothing gets behind the loop, and drops what stands there.
    pub(super) fn exit_that_is_not_taken(&mut self, mark: Option<Mark>, body: &Block) -> Option<Statement> {
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
    pub(super) fn clear_mark(&mut self, mark: Option<Mark>, span: Span) {
        if let Some(Mark { pointer, .. }) = mark {
            let value = self.word(0);
            self.push(Statement::Store { pointer, value }, span);
        }
    }

    /// Clear it under a condition.
    pub(super) fn clear_mark_if(&mut self, mark: Option<Mark>, condition: H, span: Span) {
        if let Some(Mark { pointer, .. }) = mark {
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
    pub(super) fn look_at_mark(&mut self, mark: Option<Mark>, span: Span) {
        let (Some(mark), Some(unfinished)) = (mark, self.context.policy.unfinished) else {
            return;
        };
        let Mark { pointer, word } = mark;
        let mark = self.emit(Expression::Load { pointer });
        let (zero, value) = (self.word(0), self.word(1));
        let condition = self.binary(BinaryOperator::NotEqual, mark, zero);
        let base = self.declare(Expression::GlobalVariable(unfinished));
        let pointer = self.emit(Expression::AccessIndex { base, index: word });
        let note = Statement::If {
            condition,
            accept: Block::from_vec(vec![Statement::Store { pointer, value }]),
            reject: Block::new(),
        };
        self.push(note, span);
    }
}

//! What a kernel may cost to compile and to run, held against its limits statement by statement: before it is paid.
//!
//! A WebAssembly compiler keeps a table of locals for each basic block, so that its memory grows with their product; and locals that do not
//! fit into the processor's registers lie on the stack, which is bounded.

use naga::Span;

use super::Emitter;
use super::code::Cost;
use crate::fault::Fault;

/// Most bytes of instructions of a function.
const INSTRUCTION_BYTES_MAX: u64 = 16 << 20;
/// Most of locals times basic blocks.
const TABLE_MAX: u64 = 64 << 20;
/// Most bytes of locals: with what a compiler adds, they must fit into a stack of 512 KiB.
const STACK_BYTES_MAX: u64 = 384 << 10;

/// What exceeds a limit.
fn excess(cost: Cost) -> Option<Fault> {
    let limits = [
        ("in bytes of instructions,", cost.instructions, INSTRUCTION_BYTES_MAX),
        ("in bytes of values that are needed at once,", cost.stack, STACK_BYTES_MAX),
        (
            "in values that are needed at once times branches,",
            cost.locals * cost.blocks,
            TABLE_MAX,
        ),
    ];
    let (what, needed, limit) = limits.into_iter().find(|(_, needed, limit)| needed > limit)?;
    Some(Fault::limit(
        format!("a kernel with its calls inlined, {what}"),
        needed,
        limit,
    ))
}

impl Emitter<'_> {
    /// Whether emitting may go on; what comes from `span` was emitted last.
    pub(super) fn within_limits(&mut self) -> bool {
        if self.fault.is_none() {
            self.fault = excess(self.code.cost()).map(|fault| fault.at(self.span));
        }
        self.fault.is_none()
    }

    /// What is emitted next comes from here in the source.
    pub(super) fn come_from(&mut self, span: Span) {
        if span.is_defined() {
            self.span = span;
        }
    }
}

//! A function body under construction: bytes, locals, and how deep blocks are nested.

use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, MemArgTarget, ValType};

/// A local variable of the WebAssembly function.
pub(super) type Local = u32;

/// A block that can be branched to: its depth when it was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target(u32);

/// What a function costs a compiler that keeps a table of locals for each basic block, and its stack when all locals are spilled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Bytes of instructions.
    pub(crate) instructions: u64,
    pub(crate) locals: u64,
    /// Basic blocks, roughly.
    pub(crate) blocks: u64,
    /// Bytes of all locals.
    pub(crate) stack: u64,
}

#[derive(Default)]
pub(super) struct Code {
    bytes: Vec<u8>,
    params: u32,
    locals: Vec<ValType>,
    depth: u32,
    /// Basic blocks, roughly.
    blocks: u64,
    /// Bytes of all locals.
    stack: u64,
}

impl Code {
    pub(super) fn new(params: u32) -> Self {
        Self {
            params,
            ..Self::default()
        }
    }

    /// The instructions.
    pub(super) fn i(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.bytes)
    }

    pub(super) fn local(&mut self, ty: ValType) -> Local {
        self.stack += if ty == ValType::V128 { 16 } else { 8 };
        self.locals.push(ty);
        self.params + self.locals.len() as u32 - 1
    }

    pub(super) fn vector(&mut self) -> Local {
        self.local(ValType::V128)
    }

    /// What it costs to compile, so far.
    pub(super) fn cost(&self) -> Cost {
        Cost {
            instructions: self.bytes.len() as u64,
            locals: self.locals.len() as u64,
            blocks: self.blocks,
            stack: self.stack,
        }
    }

    pub(super) fn get(&mut self, local: Local) {
        self.i().local_get(local);
    }

    pub(super) fn set(&mut self, local: Local) {
        self.i().local_set(local);
    }

    pub(super) fn int(&mut self, value: u32) {
        self.i().i32_const(value as i32);
    }

    /// Four lanes.
    pub(super) fn lanes(&mut self, lanes: [u32; 4]) {
        let value = lanes.iter().rev().fold(0u128, |value, lane| value << 32 | u128::from(*lane));
        self.i().v128_const(value as i128);
    }

    pub(super) fn block(&mut self) -> Target {
        self.i().block(BlockType::Empty);
        self.opened()
    }

    pub(super) fn repeat(&mut self) -> Target {
        self.i().loop_(BlockType::Empty);
        self.opened()
    }

    /// Takes the condition from the stack.
    pub(super) fn when(&mut self) -> Target {
        self.i().if_(BlockType::Empty);
        self.opened()
    }

    fn opened(&mut self) -> Target {
        self.blocks += 2;
        self.depth += 1;
        Target(self.depth)
    }

    pub(super) fn otherwise(&mut self) {
        self.blocks += 1;
        self.i().else_();
    }

    pub(super) fn end(&mut self) {
        self.depth -= 1;
        self.i().end();
    }

    pub(super) fn branch(&mut self, target: Target) {
        let depth = self.depth - target.0;
        self.i().br(depth);
    }

    pub(super) fn branch_if(&mut self, target: Target) {
        self.blocks += 1;
        let depth = self.depth - target.0;
        self.i().br_if(depth);
    }

    pub(super) fn finish(mut self) -> Function {
        self.i().end();
        let mut function = Function::new_with_locals_types(self.locals);
        function.raw(self.bytes);
        function
    }
}

/// Words, at a fixed offset from the address on the stack.
pub(super) fn words(offset: u32) -> MemArg {
    MemArg {
        offset: u64::from(offset),
        align: 2,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}

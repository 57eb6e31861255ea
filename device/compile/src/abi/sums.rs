//! Buffers that a kernel only adds to ([`crate::Compiled::sums`]), and where the additions go.
//!
//! Integer addition commutes, so the sums may be made anywhere: the runtime writes a table to the start of each thread's scratch memory
//! before a dispatch. It says whether other threads add to the same memory ([`SHARED`]), and where each buffer's sums are kept
//! ([`start`]): in the buffer itself, or in a copy of the thread's own. The runtime clears such copies before and adds them to the buffers
//! after the dispatch, with the functions of [`module`]. Bits are the same in all cases.

use wasm_encoder::{
    BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemArg,
    MemArgTarget, Module, TypeSection, ValType,
};

use super::{IMPORTS, MEMORY};
use crate::emit::memory_type;
use crate::ir;

/// Byte offset in the table: a word that is 0 where no other thread adds to the same memory, so that additions need not be atomic.
pub const SHARED: u32 = 0;

/// Byte offset in the table: a word with the address where the sums of a buffer start, by its number.
#[must_use]
pub const fn start(sum: usize) -> u32 {
    4 + 4 * sum as u32
}

/// Bytes of the table; it takes none when there are no sums.
#[must_use]
pub const fn table_bytes(sums: usize) -> u32 {
    if sums == 0 { 0 } else { start(sums).next_multiple_of(16) }
}

/// A buffer that a kernel only adds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Byte address of the buffer.
    pub address: u32,
    /// Bytes.
    pub size: u32,
    /// Additions of one invocation, roughly: what a choice between copies and atomic additions may be made by.
    pub weight: u64,
}

impl From<&ir::Sum> for Sum {
    fn from(sum: &ir::Sum) -> Self {
        Self {
            address: sum.address,
            size: sum.size,
            weight: sum.weight,
        }
    }
}

/// Name of the exported function `clear(address, bytes)`: zero for a copy.
pub const CLEAR: &str = "clear";
/// Name of the exported function `gather(target, source, bytes)`: add the words of a copy to those of a buffer; `bytes` is a multiple of 4.
pub const GATHER: &str = "gather";

/// A WebAssembly module over the session's memory that exports [`CLEAR`] and [`GATHER`].
#[must_use]
pub fn module() -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 2], []);
    types.ty().function([ValType::I32; 3], []);
    module.section(&types);
    let mut imports = ImportSection::new();
    imports.import(IMPORTS, MEMORY, EntityType::Memory(memory_type()));
    module.section(&imports);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    module.section(&functions);
    let mut exports = ExportSection::new();
    exports.export(CLEAR, ExportKind::Func, 0).export(GATHER, ExportKind::Func, 1);
    module.section(&exports);
    let mut code = CodeSection::new();
    code.function(&clear()).function(&gather());
    module.section(&code);
    module.finish()
}

fn clear() -> Function {
    let mut function = Function::new([]);
    function
        .instructions()
        .local_get(0)
        .i32_const(0)
        .local_get(1)
        .memory_fill(0)
        .end();
    function
}

/// Sixteen bytes at a time, then word by word.
fn gather() -> Function {
    let (target, source, bytes) = (0, 1, 2);
    let at = MemArg {
        offset: 0,
        align: 2,
        target: MemArgTarget::Memory(0),
        ordering: None,
    };
    let mut function = Function::new([]);
    let mut code = function.instructions();
    for step in [16, 4] {
        code.block(BlockType::Empty).loop_(BlockType::Empty);
        code.local_get(bytes).i32_const(step).i32_lt_u().br_if(1);
        code.local_get(target).local_get(target);
        if step == 16 {
            code.v128_load(at).local_get(source).v128_load(at).i32x4_add().v128_store(at);
        } else {
            code.i32_load(at).local_get(source).i32_load(at).i32_add().i32_store(at);
        }
        for pointer in [target, source] {
            code.local_get(pointer).i32_const(step).i32_add().local_set(pointer);
        }
        code.local_get(bytes).i32_const(step).i32_sub().local_set(bytes);
        code.br(0).end().end();
    }
    code.end();
    function
}

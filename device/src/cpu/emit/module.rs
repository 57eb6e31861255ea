//! The module around a kernel's function.
//!
//! It imports the one memory of the session, shared by all threads, and exports `run(scratch, group x y z, counts x y z)`, which
//! runs one workgroup with the scratch memory at that address.

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, FunctionSection, ImportSection, MemoryType, Module, TypeSection,
    ValType,
};

use super::code::Code;

/// Names of the imports' module, the memory and the function.
pub(in crate::cpu) const IMPORTS: (&str, &str, &str) = ("session", "memory", "watch");
/// Parameters of `run`.
pub(super) const PARAMS: u32 = 7;
/// Parameters of `watch`.
const WATCH_PARAMS: usize = 5;

/// Most pages of a memory: 4 GiB.
const PAGES_MAX: u64 = 65_536;

/// Wrap a function. Any size of memory fits, so that one module serves sessions of all sizes.
pub(super) fn module(code: Code, checked: bool) -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; PARAMS as usize], []);
    types.ty().function([ValType::I32; WATCH_PARAMS], []);
    module.section(&types);
    let mut imports = ImportSection::new();
    let memory = MemoryType {
        minimum: 1,
        maximum: Some(PAGES_MAX),
        memory64: false,
        shared: true,
        page_size_log2: None,
    };
    imports.import(IMPORTS.0, IMPORTS.1, EntityType::Memory(memory));
    if checked {
        imports.import(IMPORTS.0, IMPORTS.2, EntityType::Function(1));
    }
    module.section(&imports);
    let mut functions = FunctionSection::new();
    functions.function(0);
    module.section(&functions);
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, u32::from(checked));
    module.section(&exports);
    let mut section = CodeSection::new();
    section.function(&code.finish());
    module.section(&section);
    module.finish()
}

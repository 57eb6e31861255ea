//! The module around a kernel's function.
//!
//! [`crate::abi`] names its imports and its export.

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, FunctionSection, ImportSection, MemoryType, Module, TypeSection,
    ValType,
};

use super::code::Code;
use crate::abi::{IMPORTS, MEMORY, PAGES_MAX, RUN, WATCH, WATCH_PARAMETERS, parameter};

/// Type of the imported memory. Any size fits, so that one module serves sessions of all sizes.
pub(crate) fn memory_type() -> MemoryType {
    MemoryType {
        minimum: 1,
        maximum: Some(PAGES_MAX),
        memory64: false,
        shared: true,
        page_size_log2: None,
    }
}

/// Wrap a function.
pub(super) fn module(code: Code, checked: bool) -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; parameter::NUMBER], []);
    types.ty().function([ValType::I32; WATCH_PARAMETERS], []);
    module.section(&types);
    let mut imports = ImportSection::new();
    imports.import(IMPORTS, MEMORY, EntityType::Memory(memory_type()));
    if checked {
        imports.import(IMPORTS, WATCH, EntityType::Function(1));
    }
    module.section(&imports);
    let mut functions = FunctionSection::new();
    functions.function(0);
    module.section(&functions);
    let mut exports = ExportSection::new();
    exports.export(RUN, ExportKind::Func, u32::from(checked));
    module.section(&exports);
    let mut section = CodeSection::new();
    section.function(&code.finish());
    module.section(&section);
    module.finish()
}

//! The compiler needs no runtime: this program has neither a WebAssembly engine nor a GPU, and compiles a kernel.

use compile::abi::{BufferLayout, IMPORTS, MEMORY, RUN, sums};

use crate::support::Kernel;

const SOURCE: &str = "
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&b) { b[id.x] = 2.5 * a[id.x]; }
}";

#[test]
fn a_kernel_compiles_without_a_runtime() {
    let compiled = Kernel::new(SOURCE, false).compile().expect("it compiles");
    assert_eq!(&compiled.wasm[..8], b"\0asm\x01\0\0\0");
    assert_eq!(compiled.workgroup_size, [64, 1, 1]);
    assert!(compiled.sites.is_empty() && compiled.sums.is_empty());
    let text = wasmprinter::print_bytes(&compiled.wasm).expect("it is WebAssembly");
    assert!(text.contains(&format!("(import \"{IMPORTS}\" \"{MEMORY}\"")), "{text}");
    assert!(text.contains(&format!("(export \"{RUN}\"")), "{text}");
    let layout = BufferLayout::new([("a", 4000)]).expect("it fits");
    let session = layout.with_threads(2, compiled.scratch_bytes, 0).expect("it fits");
    assert!(session.scratch(1) >= session.scratch(0) + compiled.scratch_bytes);
}

#[test]
fn the_module_that_gathers_sums_is_webassembly() {
    let text = wasmprinter::print_bytes(sums::module()).expect("it is WebAssembly");
    for name in [sums::CLEAR, sums::GATHER] {
        assert!(text.contains(&format!("(export \"{name}\"")), "{text}");
    }
}

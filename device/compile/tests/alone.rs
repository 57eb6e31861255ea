//! The compiler needs no runtime: this program has neither a WebAssembly engine nor a GPU, and compiles a kernel.

use std::collections::BTreeMap;

use compile::abi::{BufferLayout, IMPORTS, MEMORY, RUN};
use compile::{BoundBuffer, ConstantPool};
use naga::valid::{Capabilities, ValidationFlags, Validator};

const SOURCE: &str = "
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&b) { b[id.x] = 2.5 * a[id.x]; }
}";

#[test]
fn a_kernel_compiles_without_a_runtime() {
    let module = naga::front::wgsl::parse_str(SOURCE).expect("it is WGSL");
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .expect("it is valid");
    let layout = BufferLayout::new([("a", 4000), ("b", 4000)]).expect("they fit");
    let bindings: BTreeMap<u32, BoundBuffer> = (0..2)
        .map(|i| {
            let (address, size) = layout.buffer(i).expect("it is there");
            (i as u32, BoundBuffer { address, size })
        })
        .collect();
    let mut constants = ConstantPool::default();
    let compiled = compile::compile(&module, &info, 0, &bindings, None, &mut constants).expect("it compiles");
    assert_eq!(&compiled.wasm[..8], b"\0asm\x01\0\0\0");
    assert_eq!(compiled.workgroup_size, [64, 1, 1]);
    assert!(compiled.sites.is_empty());
    for name in [IMPORTS, MEMORY, RUN] {
        assert!(
            compiled.wasm.windows(name.len()).any(|bytes| bytes == name.as_bytes()),
            "'{name}' is imported or exported"
        );
    }
    assert!(layout.with_threads(2, compiled.scratch_bytes).expect("it fits").pages() > 0);
}

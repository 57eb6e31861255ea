//! From text to a compiled kernel.

use std::collections::BTreeMap;

use compile::abi::BufferLayout;
use compile::{BoundBuffer, Checks, Compiled, ConstantPool, Fault};
use naga::Module;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

/// Bytes of each buffer.
const BUFFER_BYTES: u64 = 4096;

/// A kernel with four buffers, bound to 0 to 3.
pub(crate) struct Kernel {
    module: Module,
    info: ModuleInfo,
    bindings: BTreeMap<u32, BoundBuffer>,
    checks: Option<Checks>,
}

impl Kernel {
    pub(crate) fn new(source: &str, checked: bool) -> Self {
        let module = naga::front::wgsl::parse_str(source).unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|error| panic!("{}", error.emit_to_string(source)));
        let layout = BufferLayout::new((0..4).map(|_| ("buffer", BUFFER_BYTES))).expect("they fit");
        let bound = |i| {
            layout
                .buffer(i)
                .map(|(address, size)| (i as u32, BoundBuffer { address, size }))
        };
        Self {
            module,
            info,
            bindings: (0..4).filter_map(bound).collect(),
            checks: checked.then_some(Checks {
                underflow: true,
                trusted: |_| false,
            }),
        }
    }

    pub(crate) fn compile(&self) -> Result<Compiled, Fault> {
        let mut constants = ConstantPool::default();
        compile::compile(&self.module, &self.info, 0, &self.bindings, self.checks, &mut constants)
    }

    pub(crate) fn ir(&self) -> String {
        compile::ir_text(&self.module, &self.info, 0, &self.bindings, self.checks).expect("it is lowered")
    }
}

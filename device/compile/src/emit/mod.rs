//! The compiler's IR to WebAssembly: four invocations a vector, one function a kernel.
//!
//! | module | owns |
//! |---|---|
//! | `code` | a function body under construction |
//! | `ops` | operations on scalars and vectors |
//! | `memory`, `load`, `store` | addresses, and what is read and written there |
//! | `atomic` | atomic operations |
//! | `flow` | branches and masks |
//! | `loops` | loops and scopes |
//! | `twice` | code without masks beside code with them |
//! | `group` | a workgroup: regions, vectors, what waits between |
//! | `pool` | constants in memory |
//! | `watch` | checked mode |
//! | `module` | the module around the function |
//!
//! Values that all lanes share are WebAssembly scalars, values that grow evenly from lane to lane are the first lane's scalar, and
//! only the rest are vectors. NaNs are made one and the same where bits become visible, not at each operation.

mod atomic;
mod code;
mod flow;
mod group;
mod load;
mod loops;
mod memory;
mod module;
mod ops;
mod pool;
mod store;
mod twice;
mod watch;

use wasm_encoder::ValType;

use self::code::{Code, Local};
use self::flow::Frame;
use crate::abi::{STOP_ADDRESS, parameter};
use crate::analyse::{Circle, Facts, Spread, analyse, plan, spills};
use crate::fault::{Fault, fault};
use crate::ir::{Kernel, Ty, Value, Var};

pub use self::pool::ConstantPool;

/// Most locals of a WebAssembly function.
const LOCALS_MAX: usize = 50_000;
/// Most bytes of scratch memory of a thread.
const SCRATCH_BYTES_MAX: u64 = 64 << 20;

/// Most statements that are emitted once for full vectors and once more with masks.
const DOUBLES_MAX: usize = 20_000;

/// Which lanes are active.
#[derive(Clone, Copy)]
pub(super) enum Mask {
    /// All of them, and this is known now.
    Full,
    /// Those whose lanes in this local are ones.
    Lanes(Local),
}

/// Where a thread's scratch memory is cut, in bytes from its start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    workgroup: u32,
    /// Private memory, vector after vector.
    private: u32,
    /// Bytes of one vector's private memory.
    private_stride: u32,
    spills: u32,
    /// Bytes of one vector's spill slots.
    spill_stride: u32,
    pub(super) bytes: u32,
}

/// Locals for what an invocation is told.
pub(super) struct Inputs {
    vector: Local,
    index: Local,
    x: Local,
    y: Local,
    z: Local,
    private: Local,
}

/// A compiled kernel.
pub(crate) struct Emitted {
    /// A WebAssembly module; see [`crate::abi`].
    pub(crate) wasm: Vec<u8>,
    /// Bytes of scratch memory each thread needs.
    pub(crate) scratch: u32,
}

struct Emitter<'k> {
    kernel: &'k Kernel,
    facts: &'k Facts,
    layout: Layout,
    code: Code,
    mask: Mask,
    frames: Vec<Frame>,
    checked: bool,
    /// Statements that may still be emitted twice.
    doubles: usize,
    pool: &'k mut ConstantPool,
    values: Vec<Option<Local>>,
    vars: Vec<Option<Local>>,
    inputs: Inputs,
    temps: [Local; 6],
    int_temp: Local,
    old_temp: Local,
    seen_temp: Local,
}

/// Compile a kernel.
pub(crate) fn emit(kernel: &Kernel, checked: bool, pool: &mut ConstantPool) -> Result<Emitted, Fault> {
    let workgroup_facts = analyse(kernel, Circle::Workgroup);
    let facts = analyse(kernel, Circle::Vector);
    let plan = plan(kernel, &workgroup_facts).or_else(fault)?;
    let spills = spills(kernel, &plan);
    let vectors = u64::from(kernel.workgroup_size.iter().product::<u32>().div_ceil(4));
    let private_stride = u64::from(kernel.private_bytes);
    let private = u64::from(kernel.workgroup_bytes);
    let spill_area = private + private_stride * vectors;
    let spill_stride = u64::from(spills.slots) * 16;
    let bytes = spill_area + spill_stride * vectors + 64;
    if bytes > SCRATCH_BYTES_MAX {
        return Err(Fault::limit(
            "memory of a workgroup and its invocations, in bytes,",
            bytes,
            SCRATCH_BYTES_MAX,
        ));
    }
    let layout = Layout {
        workgroup: 0,
        private: private as u32,
        private_stride: private_stride as u32,
        spills: spill_area as u32,
        spill_stride: spill_stride as u32,
        bytes: bytes.next_multiple_of(64) as u32,
    };
    let mut emitter = Emitter::new(kernel, &facts, layout, checked, pool);
    emitter.workgroup(&plan, &spills);
    let locals = emitter.code.locals();
    if locals > LOCALS_MAX {
        return Err(Fault::limit(
            "a kernel with its calls inlined, in registers,",
            locals as u64,
            LOCALS_MAX as u64,
        ));
    }
    Ok(Emitted {
        wasm: module::module(emitter.code, checked),
        scratch: layout.bytes,
    })
}

impl<'k> Emitter<'k> {
    fn new(kernel: &'k Kernel, facts: &'k Facts, layout: Layout, checked: bool, pool: &'k mut ConstantPool) -> Self {
        let mut code = Code::new(parameter::NUMBER as u32);
        let spread_type = |input: crate::ir::Input| {
            let is_varying = kernel.values.iter().zip(&facts.values);
            let mut used = is_varying.filter(|(info, _)| info.op == crate::ir::Op::Input(input));
            match used.next() {
                Some((_, Spread::Varying)) => ValType::V128,
                _ => ValType::I32,
            }
        };
        use crate::ir::Input;
        let inputs = Inputs {
            vector: code.local(ValType::I32),
            index: code.local(ValType::I32),
            x: code.local(spread_type(Input::LocalX)),
            y: code.local(spread_type(Input::LocalY)),
            z: code.local(spread_type(Input::LocalZ)),
            private: code.local(ValType::I32),
        };
        let temps = [(); 6].map(|()| code.vector());
        let [int_temp, old_temp, seen_temp] = [(); 3].map(|()| code.local(ValType::I32));
        Self {
            kernel,
            facts,
            layout,
            code,
            mask: Mask::Full,
            frames: Vec::new(),
            checked,
            doubles: DOUBLES_MAX,
            pool,
            values: vec![None; kernel.values.len()],
            vars: vec![None; kernel.vars.len()],
            inputs,
            temps,
            int_temp,
            old_temp,
            seen_temp,
        }
    }

    /// Stop when told so. An atomic load and a trap: unlike a call, they leave the registers alone.
    fn heed_stop(&mut self) {
        self.code.int(0);
        let at = code::words(STOP_ADDRESS);
        self.code
            .i()
            .i32_atomic_load(at)
            .if_(wasm_encoder::BlockType::Empty)
            .unreachable()
            .end();
    }

    /// Push four lanes that are known now.
    fn constant(&mut self, lanes: [u32; 4]) {
        let simple = lanes == [0; 4] || lanes == [u32::MAX; 4];
        match if simple { None } else { self.pool.address(lanes) } {
            Some(address) => {
                self.code.int(0);
                self.code.i().v128_load(code::words(address));
            }
            None => self.code.lanes(lanes),
        }
    }

    fn local_for(&mut self, spread: Spread, ty: Ty) -> Local {
        self.code.local(match (spread, ty) {
            (Spread::Varying, _) => ValType::V128,
            (Spread::Linear(_), Ty::F32) => ValType::F32,
            (Spread::Linear(_), _) => ValType::I32,
        })
    }

    fn value_local(&mut self, value: Value) -> Local {
        let index = value.0 as usize;
        match self.values[index] {
            Some(local) => local,
            None => {
                let local = self.local_for(self.facts.values[index], self.kernel.values[index].ty);
                self.values[index] = Some(local);
                local
            }
        }
    }

    fn var_local(&mut self, var: Var) -> Local {
        let index = var.0 as usize;
        match self.vars[index] {
            Some(local) => local,
            None => {
                let local = self.local_for(self.facts.vars[index], self.kernel.vars[index]);
                self.vars[index] = Some(local);
                local
            }
        }
    }

    fn assign(&mut self, var: Var, value: Value) {
        let index = var.0 as usize;
        let local = self.var_local(var);
        match self.facts.vars[index] {
            // A store that differs from the variable's spread is one that nobody reads.
            spread @ Spread::Linear(_) if self.facts.values[value.0 as usize] != spread => return,
            Spread::Linear(_) => self.scalar(value),
            Spread::Varying => {
                self.vector(value);
                if let (true, Mask::Lanes(mask)) = (self.facts.blend[index], self.mask) {
                    self.code.get(local);
                    self.code.get(mask);
                    self.code.i().v128_bitselect();
                }
            }
        }
        self.code.set(local);
    }
}

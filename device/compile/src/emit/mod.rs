//! The compiler's IR to WebAssembly: four invocations a vector, one function a kernel.
//!
//! | module | owns |
//! |---|---|
//! | `code` | a function body under construction |
//! | `ops` | operations on scalars and vectors |
//! | `memory`, `load`, `store` | addresses, and what is read and written there |
//! | `atomic` | atomic operations |
//! | `sum` | additions to buffers that are only added to |
//! | `flow` | branches and masks |
//! | `loops` | loops and scopes |
//! | `twice` | code without masks beside code with them |
//! | `group` | a workgroup: regions, vectors, what waits between |
//! | `limits` | what a kernel may cost to compile |
//! | `pool` | constants in memory |
//! | `registers` | which local holds what |
//! | `homes` | variables in memory, where there are very many |
//! | `watch` | checked mode |
//! | `module` | the module around the function |
//!
//! Values that all lanes share are WebAssembly scalars, values that grow evenly from lane to lane are the first lane's scalar, and
//! only the rest are vectors. NaNs are made one and the same where bits become visible, not at each operation.

mod atomic;
mod code;
mod flow;
mod group;
mod homes;
mod limits;
mod load;
mod loops;
mod memory;
mod module;
mod ops;
mod pool;
mod registers;
mod store;
mod sum;
mod twice;
mod watch;

use naga::Span;
use wasm_encoder::ValType;

pub(crate) use self::code::Cost;
use self::code::{Code, Local};
use self::flow::Frame;
use self::homes::Homes;
use self::registers::{Registers, Taken};
use self::sum::Sums;
use crate::abi;
use crate::abi::{STOP_ADDRESS, parameter};
use crate::analyse::{Circle, Facts, Lifetimes, Spills, Spread, analyse, plan, spills};
use crate::fault::Fault;
use crate::ir::{ABREAST, Kernel, Value, Var};

pub(crate) use self::module::memory_type;
pub use self::pool::ConstantPool;

/// Most bytes of scratch memory of a thread.
const SCRATCH_BYTES_MAX: u64 = 64 << 20;

/// Most statements that are emitted once for full vectors and once more with masks.
const DOUBLES_MAX: usize = 20_000;

/// Most vectors that are kept for the lanes of one statement.
const KEPT_MAX: usize = 5;

/// Where [`ABREAST`] vectors are stored that nothing reads there, behind those: storing them is what computes them.
const FINISHED: usize = KEPT_MAX;

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
    /// [`KEPT_MAX`] vectors that are computed before a branch, see [`Emitter::keep`], and [`ABREAST`] that are never read.
    kept: u32,
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
    pub(crate) cost: Cost,
    /// Steps of the analyses.
    pub(crate) steps: u64,
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
    lifetimes: &'k Lifetimes,
    registers: Registers,
    values: Vec<Option<Taken>>,
    /// Values from memory whose NaNs may be any.
    unlooked: Vec<bool>,
    vars: Vec<Option<Taken>>,
    homes: Homes,
    inputs: Inputs,
    sums: Sums,
    temps: [Local; 6],
    int_temp: Local,
    old_temp: Local,
    seen_temp: Local,
    /// Where in the source the code comes from.
    span: Span,
    /// Why emitting stopped.
    fault: Option<Fault>,
}

/// Compile a kernel.
pub(crate) fn emit(kernel: &Kernel, checked: bool, pool: &mut ConstantPool) -> Result<Emitted, Fault> {
    let workgroup_facts = analyse(kernel, Circle::Workgroup);
    let facts = analyse(kernel, Circle::Vector);
    let plan = plan(kernel, &workgroup_facts)?;
    let spills = spills(kernel, &plan);
    let vectors = u64::from(kernel.workgroup_size.iter().product::<u32>().div_ceil(4));
    let private_stride = u64::from(kernel.private_bytes);
    let kept = abi::sums::table_bytes(kernel.sums.len());
    let workgroup = u64::from(kept) + 16 * (FINISHED + ABREAST) as u64;
    let private = workgroup + u64::from(kernel.workgroup_bytes);
    let spill_area = private + private_stride * vectors;
    let spill_stride = u64::from(spills.slots) * 16;
    let bytes = spill_area + spill_stride * vectors + 64;
    fits(bytes)?;
    let layout = Layout {
        kept,
        workgroup: workgroup as u32,
        private: private as u32,
        private_stride: private_stride as u32,
        spills: spill_area as u32,
        spill_stride: spill_stride as u32,
        bytes: bytes.next_multiple_of(64) as u32,
    };
    let lifetimes = Lifetimes::of(kernel, &spills);
    let mut emitter = Emitter::new(kernel, &facts, (&lifetimes, &spills), layout, checked, pool);
    emitter.workgroup(&plan, &spills);
    if let Some(fault) = emitter.fault {
        return Err(fault);
    }
    let cost = emitter.code.cost();
    let bytes = u64::from(layout.bytes) + emitter.homes.bytes();
    fits(bytes)?;
    Ok(Emitted {
        cost,
        steps: workgroup_facts.steps + facts.steps,
        wasm: module::module(emitter.code, checked),
        scratch: bytes.next_multiple_of(64) as u32,
    })
}

/// Whether scratch memory of this many bytes is within the limit.
fn fits(bytes: u64) -> Result<(), Fault> {
    if bytes <= SCRATCH_BYTES_MAX {
        return Ok(());
    }
    let what = "memory of a workgroup and its invocations, in bytes,";
    Err(Fault::limit(what, bytes, SCRATCH_BYTES_MAX))
}

impl<'k> Emitter<'k> {
    fn new(
        kernel: &'k Kernel,
        facts: &'k Facts,
        (lifetimes, spills): (&'k Lifetimes, &Spills),
        layout: Layout,
        checked: bool,
        pool: &'k mut ConstantPool,
    ) -> Self {
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
        let sums = Sums::new(&mut code, kernel.sums.len());
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
            lifetimes,
            registers: Registers::default(),
            values: vec![None; kernel.values.len()],
            unlooked: vec![false; kernel.values.len()],
            vars: vec![None; kernel.vars.len()],
            homes: Homes::new(layout.bytes, kernel.vars.len(), spills),
            inputs,
            sums,
            temps,
            int_temp,
            old_temp,
            seen_temp,
            span: Span::UNDEFINED,
            fault: None,
        }
    }

    /// Stop when told so. An atomic load and a trap: unlike a call, they leave the registers alone.
    fn heed_stop(&mut self) {
        self.code.int(0);
        let at = code::words(STOP_ADDRESS);
        self.code.i().i32_atomic_load(at);
        self.code.when();
        self.code.i().unreachable();
        self.code.end();
    }

    /// Store a vector to scratch memory, so that it is computed here, once. Cranelift computes a value where it is used: in each of several branches again,
    /// unless something before them needs it.
    fn keep(&mut self, local: Local, slot: usize) {
        self.code.get(parameter::SCRATCH);
        self.code.get(local);
        let at = self.kept(slot, 0);
        self.code.i().v128_store(at);
    }

    /// Compute values here: an effect needs them.
    fn finish(&mut self, values: &[Value]) {
        for (slot, value) in (FINISHED..).zip(values) {
            if matches!(self.facts.values[value.0 as usize], Spread::Varying) {
                let local = self.value_local(*value);
                self.keep(local, slot);
            }
        }
    }

    /// Push a lane of a vector that was kept, as an integer.
    fn push_kept(&mut self, slot: usize, lane: u8) {
        self.code.get(parameter::SCRATCH);
        let at = self.kept(slot, lane);
        self.code.i().i32_load(at);
    }

    /// Push a vector that was kept.
    fn push_kept_vector(&mut self, slot: usize) {
        self.code.get(parameter::SCRATCH);
        let at = self.kept(slot, 0);
        self.code.i().v128_load(at);
    }

    fn kept(&self, slot: usize, lane: u8) -> wasm_encoder::MemArg {
        code::words(self.layout.kept + 16 * slot as u32 + 4 * u32::from(lane))
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

    fn assign(&mut self, var: Var, value: Value) {
        let index = var.0 as usize;
        match self.facts.vars[index] {
            // A store that differs from the variable's spread is one that nothing reads.
            spread @ Spread::Linear(_) if self.facts.values[value.0 as usize] != spread => {}
            Spread::Linear(_) => self.write_var(var, |emitter| emitter.scalar(value)),
            Spread::Varying => self.write_var(var, |emitter| {
                emitter.vector(value);
                if let (true, Mask::Lanes(mask)) = (emitter.facts.blend[index], emitter.mask) {
                    emitter.read_var(var);
                    emitter.code.get(mask);
                    emitter.code.i().v128_bitselect();
                }
            }),
        }
    }
}

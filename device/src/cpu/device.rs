//! [`Device`] over the compiler: checks a program, compiles its passes, and opens a session.

use std::collections::BTreeMap;
use std::time::Duration;

use compile::abi::{BufferLayout, CLOCK_ADDRESS, CLOCK_BYTES};
use compile::{BoundBuffer, Checks, ConstantPool, Fault};
use protocol::Tier;
use wgsl::{Binding, Bound, Target};

use super::from_fault;
use super::run::{CpuSession, Engine, Pass, Sites, line_of};
use crate::{
    Device, DeviceError, DeviceInfo, DeviceKind, ModuleDesc, PassDesc, Program, Resource, Session, SessionOptions, Underflow,
    strict,
};

/// Most bindings of a pass, passes, modules and buffers of a program.
const COUNT_MAX: usize = 4096;
/// Stack of the thread that compiles: deep nesting is limited, but it is deep.
const STACK_BYTES: usize = 256 << 20;

/// The processor.
#[derive(Debug)]
pub struct CpuDevice {
    info: DeviceInfo,
    limit: Duration,
}

impl Default for CpuDevice {
    fn default() -> Self {
        let info = DeviceInfo {
            id: "cpu".to_owned(),
            name: "built-in CPU device".to_owned(),
            backend: "cpu".to_owned(),
            kind: DeviceKind::BuiltInCpu,
            vendor: 0,
            device: 0,
            driver: String::new(),
            compiler: format!(
                "naga 30, wasmtime 48, device {}, bits {}",
                env!("CARGO_PKG_VERSION"),
                compile::BITS_VERSION
            ),
        };
        Self {
            info,
            limit: Self::DISPATCH_LIMIT,
        }
    }
}

impl CpuDevice {
    /// Processor time that a dispatch may use, on its busiest thread.
    pub const DISPATCH_LIMIT: Duration = Duration::from_secs(20);

    /// With another limit to the processor time of one dispatch.
    #[must_use]
    pub fn with_dispatch_limit(limit: Duration) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }
}

impl Device for CpuDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn open(&self, program: &Program, options: &SessionOptions) -> Result<Box<dyn Session>, DeviceError> {
        for (what, count) in [
            ("buffers", program.buffers.len()),
            ("modules", program.modules.len()),
            ("passes", program.passes.len()),
        ] {
            limited(format!("the program's {what}: their number"), count)?;
        }
        for pass in &program.passes {
            limited(format!("pass '{}', in bindings,", pass.label), pass.bindings.len())?;
        }
        let sizes = program.buffers.iter().map(|buffer| (buffer.label.as_str(), buffer.size));
        let layout = BufferLayout::new(sizes).map_err(from_fault)?;
        let engine = Engine::get()?;
        let compile = || compile(&engine, program, &layout, options.checked);
        let compiled = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, compile);
            thread.map(std::thread::ScopedJoinHandle::join)
        });
        let (passes, pool) = match compiled {
            Err(error) => return Err(DeviceError::OutOfMemory(format!("starts the compiler's thread: {error}"))),
            Ok(Err(_)) => return Err(DeviceError::Program("the compiler failed on this program".to_owned())),
            Ok(Ok(passes)) => passes?,
        };
        Ok(Box::new(CpuSession::new(
            &engine,
            layout,
            passes,
            pool.bytes(),
            program.buffers.clone(),
            options,
            self.limit,
        )?))
    }
}

fn limited(what: String, count: usize) -> Result<(), DeviceError> {
    if count <= COUNT_MAX {
        return Ok(());
    }
    Err(DeviceError::Limit {
        what,
        needed: count as u64,
        limit: COUNT_MAX as u64,
    })
}

fn compile(
    engine: &Engine,
    program: &Program,
    layout: &BufferLayout,
    checked: bool,
) -> Result<(Vec<Pass>, ConstantPool), DeviceError> {
    let target = Target {
        // WebAssembly's own division, square root, roundings and conversions are IEEE 754's.
        exact: true,
        // The compiler gives accesses out of bounds their meaning, and tells of them in checked mode.
        bounds: true,
        ..Target::default()
    };
    let mut pool = ConstantPool::default();
    let mut passes = Vec::with_capacity(program.passes.len());
    for (bound, pass) in wgsl::open(program, target)?.iter().zip(&program.passes) {
        let module = &program.modules[pass.module];
        let bindings = addresses(bound, layout)?;
        let explain = |fault| located(fault, pass, module);
        let checks = checked.then_some(Checks {
            // Where `canonical` was put in, an underflow is no finding.
            underflow: program.tier == Tier::ClassBound || module.underflow == Underflow::Checked,
            trusted: strict::is_library,
        });
        let stage = &bound.stage;
        let compiled = compile::compile(&stage.module, &stage.info, 0, &bindings, checks, &mut pool).map_err(explain)?;
        let machine = engine.compile(&compiled.wasm).map_err(|error| DeviceError::Shader {
            label: module.label.clone(),
            message: format!("pass '{}' does not compile: {error}", pass.label),
            span: None,
        })?;
        let buffers = bound_buffers(program, pass, layout);
        passes.push(Pass {
            label: pass.label.clone(),
            module: machine,
            scratch: compiled.scratch_bytes,
            sums: compiled.sums,
            sites: Sites {
                pass: pass.label.clone(),
                module: module.label.clone(),
                source: if checked { module.source.clone() } else { String::new() },
                ranges: compiled.sites,
                workgroup_size: compiled.workgroup_size,
                buffers,
            },
        });
    }
    Ok((passes, pool))
}

/// A fault in the source of a pass: with its line and column.
fn located(fault: Fault, pass: &PassDesc, module: &ModuleDesc) -> DeviceError {
    let place = match &fault.span {
        Some(span) => {
            let (line, column) = line_of(&module.source, span.start);
            format!("{}:{line}:{column}", module.label)
        }
        None => module.label.clone(),
    };
    match fault.limit {
        Some((needed, limit)) => DeviceError::Limit {
            what: format!("pass '{}', {place}: {}", pass.label, fault.message),
            needed,
            limit,
        },
        None => DeviceError::Shader {
            label: place,
            message: fault.message,
            span: fault.span,
        },
    }
}

fn bound_buffers(program: &Program, pass: &PassDesc, layout: &BufferLayout) -> Vec<(u32, u32, String)> {
    let bound = pass.bindings.values().filter_map(|resource| match resource {
        Resource::Buffer(buffer) => {
            let (address, size) = layout.buffer(*buffer)?;
            Some((address, size, program.buffers[*buffer].label.clone()))
        }
        Resource::Clock => None,
    });
    bound.collect()
}

/// Where each binding of a pass lies.
fn addresses(bound: &Bound, layout: &BufferLayout) -> Result<BTreeMap<u32, BoundBuffer>, DeviceError> {
    let address = |binding: &Binding| match binding.resource {
        Resource::Clock => Ok((CLOCK_ADDRESS, CLOCK_BYTES)),
        Resource::Buffer(buffer) => layout.buffer(buffer).ok_or_else(|| {
            DeviceError::Program(format!(
                "binding {} is bound to buffer {buffer}, which is not there",
                binding.number
            ))
        }),
    };
    (bound.bindings.iter())
        .map(|binding| {
            let (address, size) = address(binding)?;
            Ok((binding.number, BoundBuffer { address, size }))
        })
        .collect()
}

//! A program on the CPU device: commands run as they are submitted.

use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use compile::abi::sums::Sum;
use compile::abi::{BufferLayout, CLOCK_ADDRESS};
use wasmtime::Module;

use super::check::{Checker, Sites};
use super::dispatch::{Dispatch, Work};
use super::engine::{Engine, STACK_BYTES};
use super::memory::{Memory, set_stop};
use super::order::Order;
use super::pool::Pool;
use super::sums::{self, Copies};
use super::worker::{Failure, Worker};
use crate::{BufferDesc, BufferId, Command, DeviceError, Session, SessionOptions, Workgroups};

/// Most workgroups along one axis.
const COUNT_MAX: u32 = 65_535;
/// Most threads, whatever is asked for.
const THREADS_MAX: usize = 256;

/// A compiled pass.
pub(in crate::cpu) struct Pass {
    pub(in crate::cpu) label: String,
    pub(in crate::cpu) module: Module,
    /// Bytes of scratch memory.
    pub(in crate::cpu) scratch: u32,
    /// Buffers that it only adds to.
    pub(in crate::cpu) sums: Vec<Sum>,
    pub(in crate::cpu) sites: Sites,
}

/// What a dispatch needs to know of a pass.
struct Known {
    label: String,
    sums: Vec<Sum>,
    /// Invocations of a workgroup.
    invocations: u64,
}

impl From<Pass> for Known {
    fn from(pass: Pass) -> Self {
        Self {
            label: pass.label,
            sums: pass.sums,
            invocations: pass.sites.workgroup_size.iter().map(|size| u64::from(*size)).product(),
        }
    }
}

pub(in crate::cpu) struct CpuSession {
    engine: Arc<Engine>,
    memory: Memory,
    pool: Pool,
    passes: Vec<Known>,
    buffers: Vec<BufferDesc>,
    limit: Duration,
    seed: Option<u64>,
    turn: u64,
    threads: usize,
}

impl CpuSession {
    pub(in crate::cpu) fn new(
        engine: &Arc<Engine>,
        layout: BufferLayout,
        passes: Vec<Pass>,
        constants: &[u8],
        buffers: Vec<BufferDesc>,
        options: &SessionOptions,
        limit: Duration,
    ) -> Result<Self, DeviceError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let wanted = options.threads.unwrap_or(cores).clamp(1, THREADS_MAX);
        let threads = if options.checked { 1 } else { wanted };
        let scratch = passes.iter().map(|pass| pass.scratch).max().unwrap_or(64);
        let copies = if threads > 1 {
            passes.iter().map(|pass| sums::copy_bytes(&pass.sums)).max()
        } else {
            None
        };
        let memory = Memory::new(engine, layout, threads, scratch, copies.unwrap_or(0), constants)?;
        let modules: Vec<Module> = passes.iter().map(|pass| pass.module.clone()).collect();
        let sites = Arc::new(passes.iter().map(|pass| pass.sites.clone()).collect::<Vec<_>>());
        let checker = options.checked.then(|| Checker::new(sites, memory.buffers.end()));
        let has_sums = copies.is_some_and(|bytes| bytes > 0);
        let mut own = Worker::new(engine, &memory, &modules, 0, has_sums, checker)?;
        set_stop(&memory.shared, true);
        for (number, pass) in passes.iter().enumerate() {
            if !own.fits(number) {
                return Err(too_deep(&pass.label));
            }
        }
        set_stop(&memory.shared, false);
        let mut others = Vec::new();
        for thread in 1..threads {
            others.push(Worker::new(engine, &memory, &modules, thread, has_sums, None)?);
        }
        Ok(Self {
            engine: Arc::clone(engine),
            memory,
            pool: Pool::new(own, others)?,
            passes: passes.into_iter().map(Known::from).collect(),
            buffers,
            limit,
            seed: options.workgroup_order_seed,
            turn: 0,
            threads,
        })
    }

    /// Where bytes of a buffer lie.
    fn range(&self, buffer: BufferId, offset: u64, size: u64, what: &str) -> Result<u64, DeviceError> {
        let Some((start, len)) = self.memory.buffers.buffer(buffer) else {
            return Err(DeviceError::Program(format!(
                "{what}: there is no buffer {buffer}, there are {}",
                self.buffers.len()
            )));
        };
        if !offset.is_multiple_of(4) || !size.is_multiple_of(4) {
            let text = format!(
                "{what} '{}': offset {offset} and size {size} must be multiples of 4",
                self.buffers[buffer].label
            );
            return Err(DeviceError::Program(text));
        }
        if offset.checked_add(size).is_none_or(|end| end > u64::from(len)) {
            let text = format!(
                "{what} '{}': {size} bytes at {offset} are not within its {len}",
                self.buffers[buffer].label
            );
            return Err(DeviceError::Program(text));
        }
        Ok(u64::from(start) + offset)
    }

    fn command(&mut self, command: &Command) -> Result<(), DeviceError> {
        match *command {
            Command::Dispatch { pass, workgroups, step } => self.dispatch(pass, workgroups, step),
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                size,
            } => {
                let from = self.range(source, source_offset, size, "copy from")?;
                let to = self.range(target, target_offset, size, "copy to")?;
                if source == target {
                    return Err(DeviceError::Program(format!(
                        "copy within buffer '{}'",
                        self.buffers[source].label
                    )));
                }
                self.memory.copy(from, to, size as usize);
                if let Some(checker) = self.pool.own().checker() {
                    checker.write(to..to + size);
                }
                Ok(())
            }
            Command::Clear(buffer) => {
                let start = self.range(buffer, 0, 0, "clear")?;
                let len = self.memory.buffers.buffer(buffer).map_or(0, |(_, len)| len);
                self.memory.clear(start, len as usize);
                if let Some(checker) = self.pool.own().checker() {
                    checker.clear(start..start + u64::from(len));
                }
                Ok(())
            }
        }
    }

    fn dispatch(&mut self, pass: usize, workgroups: Workgroups, step: u64) -> Result<(), DeviceError> {
        let Some(known) = self.passes.get(pass) else {
            return Err(DeviceError::Program(format!(
                "dispatch: there is no pass {pass}, there are {}",
                self.passes.len()
            )));
        };
        let label = known.label.clone();
        let counts = match workgroups {
            Workgroups::Direct(counts) => {
                if let Some(count) = counts.iter().find(|count| **count > COUNT_MAX) {
                    let what = format!("pass '{label}', in workgroups along one axis,");
                    return Err(DeviceError::Limit {
                        what,
                        needed: u64::from(*count),
                        limit: u64::from(COUNT_MAX),
                    });
                }
                counts
            }
            Workgroups::Indirect(buffer, offset) => {
                let at = self.range(buffer, offset, 12, "indirect dispatch from")?;
                let BufferDesc {
                    label: name, indirect, ..
                } = &self.buffers[buffer];
                if !indirect {
                    let text = format!("pass '{label}': indirect dispatch from '{name}', which is not declared indirect");
                    return Err(DeviceError::Program(text));
                }
                let bytes = self.memory.read(at, 12);
                let count = |axis: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| bytes[4 * axis + i]));
                let counts = [count(0), count(1), count(2)];
                if counts.iter().any(|count| *count > COUNT_MAX) {
                    [0; 3]
                } else {
                    counts
                }
            }
        };
        let total: u64 = counts.iter().map(|count| u64::from(*count)).product();
        if total == 0 {
            return Ok(());
        }
        let mut clock = [0; 16];
        clock[..8].copy_from_slice(&step.to_le_bytes());
        self.memory.write(u64::from(CLOCK_ADDRESS), &clock);
        self.turn += 1;
        if let Some(checker) = self.pool.own().checker() {
            checker.dispatch(pass);
        }
        let known = &self.passes[pass];
        let invocations = total.saturating_mul(known.invocations);
        // One workgroup is run by one thread.
        let threads = if total == 1 { 1 } else { self.threads };
        let copies = (!known.sums.is_empty()).then(|| Copies::plan(&mut self.memory, threads, &known.sums, invocations));
        let work = Work::Pass {
            pass,
            copies: copies.flatten(),
        };
        let order = Order::new(self.seed, self.turn, total);
        let dispatch = Arc::new(Dispatch::new(work, counts, order, self.threads));
        let guard = self.engine.guard(&self.memory.shared, self.limit, self.pool.clocks());
        self.pool.run(&dispatch);
        drop(guard);
        let failure = dispatch.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (
            Work::Pass {
                copies: Some(copies), ..
            },
            None,
        ) = (&dispatch.work, &failure)
        {
            let parts = copies.parts(&self.memory, &self.passes[pass].sums);
            self.pool.run(&Arc::new(Dispatch::gather(parts, self.threads)));
        }
        match failure {
            None => Ok(()),
            Some(Failure::Endless) => Err(DeviceError::Endless {
                pass: label,
                seconds: self.limit.as_secs_f32(),
            }),
            Some(Failure::Found(text)) => Err(DeviceError::Check(text)),
            Some(Failure::Stack) => Err(too_deep(&label)),
            Some(Failure::Trap(text)) => Err(DeviceError::Lost(format!("pass '{label}' trapped: {text}"))),
        }
    }
}

/// A pass whose compiled code needs more stack than there is: what the compiler's own limit on values keeps from happening.
fn too_deep(label: &str) -> DeviceError {
    DeviceError::Program(format!(
        "pass '{label}' needs more than {STACK_BYTES} bytes of stack: it holds too many values at once; keep fewer in variables, or put them into buffers"
    ))
}

impl Session for CpuSession {
    fn write(&mut self, buffer: BufferId, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        let at = self.range(buffer, offset, bytes.len() as u64, "write")?;
        self.memory.write(at, bytes);
        if let Some(checker) = self.pool.own().checker() {
            checker.write(at..at + bytes.len() as u64);
        }
        Ok(())
    }

    fn submit(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        commands.iter().try_for_each(|command| self.command(command))
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    fn read(&mut self, buffers: &[BufferId]) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut all = Vec::with_capacity(buffers.len());
        for buffer in buffers {
            let start = self.range(*buffer, 0, 0, "read")?;
            let len = self.memory.buffers.buffer(*buffer).map_or(0, |(_, len)| len);
            all.push(self.memory.read(start, len as usize));
        }
        Ok(all)
    }
}

//! A thread's instances of all passes, and how it works through a dispatch.

use std::ops::Range;
use std::sync::{Arc, PoisonError};

use compile::abi::{RUN, RunArguments, run_arguments, sums};
use wasmtime::{Caller, Extern, Func, Instance, Module, Store, Trap, TypedFunc};

use super::Engine;
use super::check::Checker;
use super::dispatch::{Dispatch, Work};
use super::memory::Memory;
use super::sums::{Copies, Part};
use crate::DeviceError;

type Run = TypedFunc<RunArguments, ()>;

/// Why a dispatch stopped.
#[derive(Debug)]
pub(super) enum Failure {
    /// It used more processor time than allowed.
    Endless,
    /// Checked mode found something.
    Found(String),
    /// The compiled code needs more stack than there is.
    Stack,
    /// Something that cannot happen by the compiler's invariants.
    Trap(String),
}

/// One thread's side.
pub(super) struct Worker {
    store: Store<Option<Checker>>,
    runs: Vec<Run>,
    scratch: u32,
    thread: usize,
    sums: Option<SumFunctions>,
}

/// Functions of [`compile::abi::sums::module`], and where this thread's copies lie.
struct SumFunctions {
    clear: TypedFunc<(u32, u32), ()>,
    gather: TypedFunc<(u32, u32, u32), ()>,
    copies: u32,
}

impl Worker {
    pub(super) fn new(
        engine: &Engine,
        memory: &Memory,
        modules: &[Module],
        thread: usize,
        has_sums: bool,
        checker: Option<Checker>,
    ) -> Result<Self, DeviceError> {
        let failed = |error: wasmtime::Error| DeviceError::OutOfMemory(format!("makes a thread ready: {error:#}"));
        let checked = checker.is_some();
        let mut store = Store::new(engine.inner(), checker);
        let mut imports: Vec<Extern> = vec![memory.shared.clone().into()];
        if checked {
            let watch = |mut caller: Caller<'_, Option<Checker>>, site: u32, what: u32, lane: u32, a: u32, b: u32| match caller
                .data_mut()
                .as_mut()
                .and_then(|checker| checker.watch(site, what, lane, a, b))
            {
                Some(_) => Err(wasmtime::Error::msg("checked mode found something")),
                None => Ok(()),
            };
            imports.push(Func::wrap(&mut store, watch).into());
        }
        let mut runs = Vec::with_capacity(modules.len());
        for module in modules {
            let instance = Instance::new(&mut store, module, &imports).map_err(failed)?;
            runs.push(instance.get_typed_func(&mut store, RUN).map_err(failed)?);
        }
        let sums = match memory.copies(thread).filter(|_| has_sums) {
            Some(copies) => {
                let module = engine.compile(&sums::module()).map_err(DeviceError::Program)?;
                let instance = Instance::new(&mut store, &module, &imports[..1]).map_err(failed)?;
                Some(SumFunctions {
                    clear: instance.get_typed_func(&mut store, sums::CLEAR).map_err(failed)?,
                    gather: instance.get_typed_func(&mut store, sums::GATHER).map_err(failed)?,
                    copies,
                })
            }
            None => None,
        };
        Ok(Self {
            store,
            runs,
            scratch: memory.scratch(thread),
            thread,
            sums,
        })
    }

    /// Take from a dispatch until nothing is left of it.
    pub(super) fn work(&mut self, dispatch: &Arc<Dispatch>) {
        while let Some(some) = dispatch.take(self.thread) {
            let done = match &dispatch.work {
                Work::Pass { pass, copies } => self
                    .begin(copies.as_ref())
                    .and_then(|()| self.workgroups(*pass, dispatch, some)),
                Work::Gather(parts) => some.into_iter().try_for_each(|i| self.gather(&parts[i as usize])),
            };
            if let Err(error) = done {
                let found = self.store.data_mut().as_mut().and_then(Checker::take);
                let failure = match (found, error.downcast_ref::<Trap>()) {
                    (Some(found), _) => Failure::Found(found),
                    (None, Some(Trap::UnreachableCodeReached)) => Failure::Endless,
                    (None, Some(Trap::StackOverflow)) => Failure::Stack,
                    _ => Failure::Trap(format!("{error:#}")),
                };
                dispatch
                    .failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(failure);
                dispatch.stop();
                return;
            }
        }
    }

    /// Whether a pass's code fits into the stack. Kernels must have been told to stop, so that it returns at once.
    pub(super) fn fits(&mut self, pass: usize) -> bool {
        let arguments = run_arguments(self.scratch, [0; 3], [1; 3]);
        let ended = self.runs[pass].call(&mut self.store, arguments);
        !ended.is_err_and(|error| matches!(error.downcast_ref::<Trap>(), Some(Trap::StackOverflow)))
    }

    fn workgroups(&mut self, pass: usize, dispatch: &Dispatch, some: Range<u64>) -> Result<(), wasmtime::Error> {
        let [nx, ny, _] = dispatch.counts;
        let run = &self.runs[pass];
        for i in some {
            let group = dispatch.order.at(i);
            let x = (group % u64::from(nx)) as u32;
            let y = (group / u64::from(nx) % u64::from(ny)) as u32;
            let z = (group / u64::from(nx) / u64::from(ny)) as u32;
            if let Some(checker) = self.store.data_mut() {
                checker.workgroup([x, y, z], group);
            }
            run.call(&mut self.store, run_arguments(self.scratch, [x, y, z], dispatch.counts))?;
        }
        Ok(())
    }

    /// Clear this thread's copies before it adds to them.
    fn begin(&mut self, copies: Option<&Copies>) -> Result<(), wasmtime::Error> {
        match (copies, &self.sums) {
            (Some(copies), Some(sums)) if copies.begin(self.thread) => {
                sums.clear.call(&mut self.store, (sums.copies, copies.bytes))
            }
            _ => Ok(()),
        }
    }

    /// Add what threads added to their copies of a piece of a buffer.
    fn gather(&mut self, parts: &[Part]) -> Result<(), wasmtime::Error> {
        let Some(sums) = &self.sums else { return Ok(()) };
        let mut add = |part: &Part| sums.gather.call(&mut self.store, (part.target, part.source, part.bytes));
        parts.iter().try_for_each(&mut add)
    }

    pub(super) fn checker(&mut self) -> Option<&mut Checker> {
        self.store.data_mut().as_mut()
    }
}

//! A thread's instances of all passes, and how it works through a dispatch.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use compile::abi::{RUN, RunArguments, run_arguments};
use wasmtime::{Caller, Extern, Func, Instance, Module, Store, Trap, TypedFunc};

use super::Engine;
use super::check::Checker;
use super::memory::Memory;
use super::order::Order;
use crate::DeviceError;

/// Workgroups that a thread takes at a time at most.
const CHUNK_MAX: u64 = 64;

type Run = TypedFunc<RunArguments, ()>;

/// A dispatch that threads share.
pub(super) struct Dispatch {
    pub(super) pass: usize,
    pub(super) counts: [u32; 3],
    pub(super) total: u64,
    pub(super) order: Order,
    /// A thread takes this part of what is left at a time, so that all end together.
    pub(super) share: u64,
    pub(super) next: AtomicU64,
    pub(super) failure: Mutex<Option<Failure>>,
}

impl Dispatch {
    /// The next workgroups to run; `None` when all are taken.
    fn take(&self) -> Option<Range<u64>> {
        let size = |start: u64| ((self.total - start) / self.share).clamp(1, CHUNK_MAX);
        let more = |start: u64| (start < self.total).then(|| start + size(start));
        let start = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(start..start + size(start))
    }
}

/// Why a dispatch stopped.
#[derive(Debug)]
pub(super) enum Failure {
    /// It took longer than allowed.
    Endless,
    /// Checked mode found something.
    Found(String),
    /// Something that cannot happen by the compiler's invariants.
    Trap(String),
}

/// One thread's side.
pub(super) struct Worker {
    store: Store<Option<Checker>>,
    runs: Vec<Run>,
    scratch: u32,
}

impl Worker {
    pub(super) fn new(
        engine: &Engine,
        memory: &Memory,
        modules: &[Module],
        thread: usize,
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
        Ok(Self {
            store,
            runs,
            scratch: memory.scratch(thread),
        })
    }

    /// Run workgroups of a dispatch until none is left.
    pub(super) fn work(&mut self, dispatch: &Arc<Dispatch>) {
        let [nx, ny, _] = dispatch.counts;
        let run = &self.runs[dispatch.pass];
        loop {
            let Some(some) = dispatch.take() else { return };
            for i in some {
                let group = dispatch.order.at(i);
                let x = (group % u64::from(nx)) as u32;
                let y = (group / u64::from(nx) % u64::from(ny)) as u32;
                let z = (group / u64::from(nx) / u64::from(ny)) as u32;
                if let Some(checker) = self.store.data_mut() {
                    checker.workgroup([x, y, z], group);
                }
                if let Err(error) = run.call(&mut self.store, run_arguments(self.scratch, [x, y, z], dispatch.counts)) {
                    let found = self.store.data_mut().as_mut().and_then(Checker::take);
                    let failure = match (found, error.downcast_ref::<Trap>()) {
                        (Some(found), _) => Failure::Found(found),
                        (None, Some(Trap::UnreachableCodeReached)) => Failure::Endless,
                        _ => Failure::Trap(format!("{error:#}")),
                    };
                    dispatch
                        .failure
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(failure);
                    dispatch.next.store(dispatch.total, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    pub(super) fn checker(&mut self) -> Option<&mut Checker> {
        self.store.data_mut().as_mut()
    }
}

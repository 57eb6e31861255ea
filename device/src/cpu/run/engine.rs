//! wasmtime: its settings, the modules compiled so far, and deadlines that end endless loops.
//!
//! A dispatch may use a limit of processor time: that of its busiest thread. So a machine that is busy with other things, or sleeps, makes no kernel
//! endless. Where threads have no clock, time that passes counts, at most [`TICK_MAX`] a look.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use protocol::Digest;
use wasmtime::{Config, Module, SharedMemory};

use super::cputime::ThreadClock;
use super::memory::set_stop;

use crate::DeviceError;

/// Time from one look at the deadlines to the next.
const TICK: Duration = Duration::from_millis(20);
/// What a look counts at most where it counts time that passes: a process that was stopped, or a machine that slept, has not computed meanwhile.
const TICK_MAX: Duration = Duration::from_millis(100);
/// Stack of compiled code. Threads have 2 MiB, and the code calls nothing but checked mode's watcher.
pub(super) const STACK_BYTES: usize = 512 << 10;
/// Compiled modules that are kept.
const MODULES_MAX: usize = 512;
/// Virtual address space for a memory, and for the guard behind it: with both, an address of 32 bits and an offset of 32 bits
/// need no check.
const RESERVED_BYTES: u64 = 1 << 32;

/// Clocks of a session's own threads.
pub(super) type Clocks = Arc<Mutex<Vec<ThreadClock>>>;

/// Kernels that run in a memory.
struct Watched {
    left: Duration,
    memory: SharedMemory,
    /// Of the thread that submits.
    own: Option<ThreadClock>,
    others: Clocks,
    /// What the threads had used at the last look, `own` first.
    used: Vec<Duration>,
}

impl Watched {
    /// Take what was computed since the last look, `passed` ago, from what is left.
    fn look(&mut self, passed: Duration) {
        let Some(own) = self.own else {
            self.left = less(self.left, passed);
            return;
        };
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let mut most = Duration::ZERO;
        for (index, clock) in std::iter::once(&own).chain(others.iter()).enumerate() {
            let Some(now) = clock.used() else { continue };
            match self.used.get_mut(index) {
                Some(before) => most = most.max(now.saturating_sub(std::mem::replace(before, now))),
                None => self.used.resize(index + 1, now),
            }
        }
        self.left = self.left.saturating_sub(most);
    }
}

/// Memories in which kernels run.
type Deadlines = Mutex<BTreeMap<u64, Watched>>;

/// The one engine of this process.
pub(in crate::cpu) struct Engine {
    inner: wasmtime::Engine,
    modules: Mutex<BTreeMap<Digest, Module>>,
    deadlines: Arc<Deadlines>,
}

/// While it lives, kernels in a memory are stopped at a deadline.
pub(super) struct Guard {
    deadlines: Arc<Deadlines>,
    key: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.deadlines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Engine {
    /// The engine; started on first use.
    ///
    /// # Errors
    /// The processor or the operating system is not supported.
    pub(in crate::cpu) fn get() -> Result<Arc<Self>, DeviceError> {
        static ENGINE: OnceLock<Result<Arc<Engine>, String>> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| Self::start().map(Arc::new));
        engine
            .clone()
            .map_err(|text| DeviceError::Lost(format!("WebAssembly does not run here: {text}")))
    }

    fn start() -> Result<Self, String> {
        let mut config = Config::new();
        config
            .wasm_threads(true)
            .shared_memory(true)
            .wasm_simd(true)
            // Conversions of what is known to fit, which are the same on all machines: nothing else of it is emitted.
            .wasm_relaxed_simd(true)
            .wasm_bulk_memory(true)
            .max_wasm_stack(STACK_BYTES);
        config.parallel_compilation(true);
        config.memory_reservation(RESERVED_BYTES).memory_guard_size(RESERVED_BYTES);
        let inner = wasmtime::Engine::new(&config).map_err(|error| format!("{error:#}"))?;
        let deadlines = Arc::new(Deadlines::default());
        let watched = Arc::clone(&deadlines);
        let look = move || {
            let mut last = Instant::now();
            loop {
                std::thread::sleep(TICK);
                let now = Instant::now();
                for watched in watched.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
                    watched.look(now.duration_since(last));
                    if watched.left.is_zero() {
                        set_stop(&watched.memory, true);
                    }
                }
                last = now;
            }
        };
        std::thread::Builder::new()
            .name("cpu-deadlines".to_owned())
            .spawn(look)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            inner,
            modules: Mutex::new(BTreeMap::new()),
            deadlines,
        })
    }

    /// Let kernels run in a memory for so long, on the thread that calls and on those of `clocks`.
    pub(super) fn guard(&self, memory: &SharedMemory, limit: Duration, clocks: &Clocks) -> Guard {
        thread_local!(static OWN: Option<ThreadClock> = ThreadClock::current());
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        set_stop(memory, false);
        let entry = Watched {
            left: limit,
            memory: memory.clone(),
            own: OWN.with(|own| *own),
            others: Arc::clone(clocks),
            used: Vec::new(),
        };
        self.deadlines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, entry);
        Guard {
            deadlines: Arc::clone(&self.deadlines),
            key,
        }
    }

    pub(in crate::cpu) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Machine code for a module; compiled once for each digest.
    ///
    /// # Errors
    /// What wasmtime has against it.
    pub(in crate::cpu) fn compile(&self, wasm: &[u8]) -> Result<Module, String> {
        let digest = Digest::of(wasm);
        let known = self
            .modules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest)
            .cloned();
        if let Some(module) = known {
            return Ok(module);
        }
        let module = Module::new(&self.inner, wasm).map_err(|error| format!("{error:#}"))?;
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if modules.len() >= MODULES_MAX {
            modules.clear();
        }
        modules.insert(digest, module.clone());
        Ok(module)
    }
}

/// What is left after a look at the deadlines that came so long after the one before.
fn less(left: Duration, passed: Duration) -> Duration {
    left.saturating_sub(passed.min(TICK_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_that_the_machine_slept_through_is_no_time_for_a_kernel() {
        let limit = Duration::from_secs(20);
        assert_eq!(less(limit, Duration::from_millis(25)), Duration::from_millis(19_975));
        assert_eq!(less(limit, Duration::from_secs(8 * 3600)), limit - TICK_MAX);
        assert_eq!(less(Duration::from_millis(3), Duration::from_millis(25)), Duration::ZERO);
    }

    /// As on a machine so busy that the kernel's threads get no turn: time passes, and nothing is computed.
    #[test]
    fn threads_that_get_no_turn_use_nothing_up() {
        let Some(own) = ThreadClock::current() else {
            println!("skipped: threads have no clock on this platform");
            return;
        };
        let engine = Engine::get().unwrap();
        let memory = SharedMemory::new(engine.inner(), wasmtime::MemoryType::shared(1, 1)).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let idle = std::thread::spawn(move || {
            sender.send(ThreadClock::current().unwrap()).unwrap();
            _ = wait.recv();
        });
        let limit = Duration::from_secs(1);
        let mut watched = Watched {
            left: limit,
            memory,
            own: Some(receiver.recv().unwrap()),
            others: Clocks::default(),
            used: Vec::new(),
        };
        for _ in 0..100 {
            watched.look(Duration::from_secs(1));
        }
        assert!(
            watched.left > limit / 2,
            "{:?} of {limit:?} are left of a thread that slept",
            watched.left
        );
        // One that computes does: the busiest counts, once.
        watched.others.lock().unwrap().extend([own, own]);
        watched.look(Duration::ZERO);
        let (left, begun) = (watched.left, own.used().unwrap());
        while own.used().unwrap() - begun < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        watched.look(Duration::ZERO);
        let used = left - watched.left;
        assert!(
            used >= Duration::from_millis(50) && used < Duration::from_millis(95),
            "{used:?}"
        );
        drop(stop);
        idle.join().unwrap();
    }
}

//! wasmtime: its settings, the modules compiled so far, and a clock that ends endless loops.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use protocol::Digest;
use wasmtime::{Config, Module};

use crate::DeviceError;

/// Time from one tick of the epoch to the next.
const TICK: Duration = Duration::from_millis(20);
/// Compiled modules that are kept.
const MODULES_MAX: usize = 512;
/// Virtual address space for a memory, and for the guard behind it: with both, an address of 32 bits and an offset of 32 bits
/// need no check.
const RESERVED_BYTES: u64 = 1 << 32;

/// The one engine of this process.
pub(in crate::cpu) struct Engine {
    inner: wasmtime::Engine,
    modules: Mutex<BTreeMap<Digest, Module>>,
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
            .wasm_relaxed_simd(false)
            .wasm_bulk_memory(true);
        config.epoch_interruption(true);
        config.parallel_compilation(true);
        config.memory_reservation(RESERVED_BYTES).memory_guard_size(RESERVED_BYTES);
        let inner = wasmtime::Engine::new(&config).map_err(|error| format!("{error:#}"))?;
        let weak = inner.weak();
        let tick = move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        };
        std::thread::Builder::new()
            .name("cpu-ticks".to_owned())
            .spawn(tick)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            inner,
            modules: Mutex::new(BTreeMap::new()),
        })
    }

    pub(in crate::cpu) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Ticks within a time, rounded up.
    pub(super) fn ticks(time: Duration) -> u64 {
        time.as_millis().div_ceil(TICK.as_millis()) as u64 + 1
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

//! Ctrl-C and SIGTERM: the first asks for a stop at the next boundary, the second for a stop now, the third ends the process.
//!
//! Nothing is ever damaged by any of them, since a run directory only ever holds whole boundaries; they differ in what work is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::exit::Exit;

/// How often a stop was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicU32>);

impl Stop {
    /// Listen from now on, on a thread of its own.
    ///
    /// # Errors
    /// The system refuses the thread or the handlers.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let stop = Self::default();
        let count = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _guard = runtime.enter();
            Signals::new()?
        };
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                loop {
                    signals.next().await;
                    count.ask();
                }
            });
        })?;
        Ok(stop)
    }

    /// How often a stop was asked for.
    pub(crate) fn asked(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn ask(&self) {
        if self.0.fetch_add(1, Ordering::Relaxed) >= 2 {
            std::process::exit(Exit::Stopped as i32);
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

//! Threads that wait for a dispatch and share it. The thread that submits works, too.
//!
//! A dispatch waits only for threads that have joined it: on a busy machine one that is woken late finds the work done, and nothing
//! has waited for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::cputime::ThreadClock;
use super::dispatch::Dispatch;
use super::engine::Clocks;
use super::worker::Worker;
use crate::DeviceError;

/// Turns of a loop that look for work before the thread sleeps: some tens of microseconds, longer than the host takes from one
/// dispatch to the next.
const SPINS: u32 = 5_000;

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    done: Condvar,
    /// Number of the newest dispatch; looked at without the lock.
    turn: AtomicU64,
    /// Threads that have joined the dispatch and still work. It grows under the lock alone, while there is a dispatch.
    working: AtomicU64,
}

struct State {
    dispatch: Option<Arc<Dispatch>>,
    turn: u64,
    quit: bool,
}

/// The threads.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    clocks: Clocks,
    own: Worker,
}

impl Pool {
    /// `others` are the workers besides the submitting thread's `own`.
    pub(super) fn new(own: Worker, others: Vec<Worker>) -> Result<Self, DeviceError> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                dispatch: None,
                turn: 0,
                quit: false,
            }),
            wake: Condvar::new(),
            done: Condvar::new(),
            turn: AtomicU64::new(0),
            working: AtomicU64::new(0),
        });
        let mut pool = Self {
            shared,
            threads: Vec::new(),
            clocks: Clocks::default(),
            own,
        };
        for (i, worker) in others.into_iter().enumerate() {
            let (shared, clocks) = (Arc::clone(&pool.shared), Arc::clone(&pool.clocks));
            let thread = std::thread::Builder::new()
                .name(format!("cpu-{}", i + 1))
                .spawn(move || {
                    clocks
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(ThreadClock::current());
                    attend(&shared, worker);
                })
                .map_err(|error| DeviceError::OutOfMemory(format!("starts a thread: {error}")))?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Run a dispatch to its end.
    pub(super) fn run(&mut self, dispatch: &Arc<Dispatch>) {
        let alone = self.threads.is_empty() || dispatch.is_single();
        if !alone {
            let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.dispatch = Some(Arc::clone(dispatch));
            state.turn += 1;
            self.shared.turn.store(state.turn, Ordering::Release);
            drop(state);
            self.shared.wake.notify_all();
        }
        self.own.work(dispatch);
        if !alone {
            // All workgroups are taken: no thread has to join any more.
            self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).dispatch = None;
            for _ in 0..SPINS {
                if self.shared.working.load(Ordering::Acquire) == 0 {
                    return;
                }
                std::hint::spin_loop();
            }
            let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            while self.shared.working.load(Ordering::Acquire) > 0 {
                state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// The clocks of the threads that have begun.
    pub(super) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    pub(super) fn own(&mut self) -> &mut Worker {
        &mut self.own
    }
}

fn attend(shared: &Shared, mut worker: Worker) {
    let mut seen = 0;
    loop {
        for _ in 0..SPINS {
            if shared.turn.load(Ordering::Acquire) != seen {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.turn == seen && !state.quit {
            state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.quit {
            return;
        }
        seen = state.turn;
        let Some(dispatch) = state.dispatch.clone() else { continue };
        shared.working.fetch_add(1, Ordering::AcqRel);
        drop(state);
        worker.work(&dispatch);
        if shared.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            // The lock orders this before a waiter's look.
            drop(shared.state.lock().unwrap_or_else(PoisonError::into_inner));
            shared.done.notify_all();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).quit = true;
        self.shared.turn.fetch_add(1, Ordering::Release);
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

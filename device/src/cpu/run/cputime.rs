//! Processor time that a thread has used, as another thread sees it: what a kernel has computed, however busy the machine is.
//!
//! Linux tells it for every thread of a process. Elsewhere there is none, and [`super::engine`] counts time that has passed.
#![expect(unsafe_code, reason = "the standard library has no clock of a thread")]

use std::time::Duration;

/// The clock of one thread; it tells nothing once that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct ThreadClock {
    #[cfg(target_os = "linux")]
    id: libc::clockid_t,
}

impl ThreadClock {
    /// The clock of the thread that calls; none where threads have none.
    #[cfg(target_os = "linux")]
    pub(super) fn current() -> Option<Self> {
        let mut id = 0;
        // SAFETY: the thread that calls is alive, and `id` is a place for a clock's id.
        let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut id) };
        (failed == 0).then_some(Self { id })
    }

    /// The clock of the thread that calls; none where threads have none.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn current() -> Option<Self> {
        None
    }

    /// Processor time that the thread has used since it began; none when it has ended.
    #[cfg(target_os = "linux")]
    pub(super) fn used(self) -> Option<Duration> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a place for a time; an id whose thread is gone makes the call fail.
        let failed = unsafe { libc::clock_gettime(self.id, &raw mut time) };
        let (seconds, nanoseconds) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
        (failed == 0).then(|| Duration::new(seconds, nanoseconds))
    }

    /// Processor time that the thread has used since it began; none when it has ended.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn used(self) -> Option<Duration> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_sleeps_uses_no_time_and_one_that_is_gone_tells_none() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            sender.send(ThreadClock::current().unwrap()).unwrap();
            _ = wait.recv();
        });
        let clock = receiver.recv().unwrap();
        let before = clock.used().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(clock.used().unwrap() - before < Duration::from_millis(50));
        let own = ThreadClock::current().unwrap();
        let begun = own.used().unwrap();
        while own.used().unwrap() - begun < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        go.send(()).unwrap();
        thread.join().unwrap();
        assert_eq!(clock.used(), None);
    }
}

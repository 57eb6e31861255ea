//! Tasks that know nothing of each other, on threads. Invariant: what comes of them does not depend on the number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Does every task, at most so many at a time, and gives what came of them in their order.
///
/// # Errors
/// That of the first task that has one; tasks not yet begun are then left out.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    threads: usize,
    tasks: &[T],
    work: impl Fn(&T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let next = AtomicUsize::new(0);
    // Tasks are begun in their order: all before one that fails are done when its thread ends.
    let begin_and_go_on = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(number) else { return done };
            let result = work(task);
            if result.is_err() {
                next.fetch_max(tasks.len(), Ordering::Relaxed);
            }
            done.push((number, result));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.clamp(1, tasks.len().max(1)))
            .map(|_| scope.spawn(begin_and_go_on))
            .collect();
        let ended = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.collect::<Vec<_>>()
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_the_first_error_are_the_same_for_every_number_of_threads() {
        let tasks: Vec<u64> = (0..60).collect();
        let work = |task: &u64, wrong: u64| {
            // So that no thread does all of them before others have begun.
            std::thread::sleep(std::time::Duration::from_micros(200));
            if task % 20 == wrong {
                Err(task.to_string())
            } else {
                Ok(task * 2)
            }
        };
        for threads in [1, 2, 7, 200] {
            let done = side_by_side(threads, &tasks, |task| work(task, 20));
            assert_eq!(done, Ok((0..60).map(|task| task * 2).collect()));
            assert_eq!(side_by_side(threads, &tasks, |task| work(task, 19)), Err("19".to_owned()));
        }
        assert_eq!(side_by_side(0, &tasks[..0], |task| Ok(*task)), Ok(Vec::new()));
    }
}

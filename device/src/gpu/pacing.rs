//! How many commands the next submit gets.
//!
//! Invariant: a pure function of what was measured. It decides how long a submit lasts and nothing else: no result
//! depends on it.

/// Never more commands in a submit than this: the clock's buffer has an entry for each.
pub(super) const COMMANDS_MAX: usize = 4096;

/// A submit with a pass of unknown cost has at most this many commands.
pub(super) const COMMANDS_CAREFUL: usize = 4;

/// The first submits have this many commands.
const COMMANDS_FIRST: usize = 16;

/// Length aimed at, seconds, where nothing else is asked for.
const TARGET_S: f32 = 0.030;

/// Decides from the length of past submits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pacing {
    target_s: f32,
    max: usize,
    next: usize,
}

impl Pacing {
    /// Start carefully. `max`: commands in a submit; `target_ms`: length of a submit.
    pub(super) fn new(max: Option<usize>, target_ms: Option<f32>) -> Self {
        let target_s = target_ms.filter(|ms| *ms > 0.0).map_or(TARGET_S, |ms| ms / 1000.0);
        let max = max.unwrap_or(COMMANDS_MAX).clamp(1, COMMANDS_MAX);
        Self {
            target_s,
            max,
            next: COMMANDS_FIRST.min(max),
        }
    }

    /// Commands for the next submit; at least one.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// After a submit of `commands` that kept the device busy for `seconds`.
    #[must_use]
    pub(super) fn after(self, commands: usize, seconds: f32) -> Self {
        let fits = (commands as f32 * self.target_s / seconds.max(1e-6)) as usize;
        if fits >= self.next && commands < self.next {
            // A short submit is mostly overhead: it says nothing about what a full one could hold.
            return self;
        }
        let next = fits.clamp(self.next / 2, self.next * 2).clamp(1, self.max);
        Self { next, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Run `rounds` full submits of commands that last `command_s` each.
    fn settled(mut pacing: Pacing, command_s: f32, rounds: usize) -> usize {
        for _ in 0..rounds {
            pacing = pacing.after(pacing.next(), pacing.next() as f32 * command_s);
        }
        pacing.next()
    }

    #[test]
    fn submits_settle_at_the_length_asked_for() {
        assert_eq!(settled(Pacing::new(None, None), 1e-4, 20), 300);
        assert_eq!(settled(Pacing::new(None, Some(5.0)), 1e-4, 20), 50);
    }

    #[test]
    fn a_slow_command_goes_alone() {
        assert_eq!(settled(Pacing::new(None, None), 1.0, 20), 1);
    }

    #[test]
    fn the_limit_holds_however_fast_the_commands_are() {
        assert_eq!(settled(Pacing::new(None, None), 1e-9, 40), COMMANDS_MAX);
        assert_eq!(settled(Pacing::new(Some(7), None), 1e-9, 40), 7);
        assert_eq!(settled(Pacing::new(Some(0), None), 1e-9, 40), 1);
    }

    #[test]
    fn one_outlier_changes_the_length_by_no_more_than_two() {
        let pacing = Pacing::new(None, None);
        let settled = Pacing { next: 300, ..pacing };
        assert_eq!(settled.after(300, 10.0).next(), 150);
        assert_eq!(settled.after(300, 1e-6).next(), 600);
    }

    #[test]
    fn a_short_submit_does_not_raise_the_length() {
        let settled = Pacing {
            next: 300,
            ..Pacing::new(None, None)
        };
        assert_eq!(settled.after(3, 1e-5), settled);
    }
}

//! How a run shows where it is: a bar on a terminal, a line every few seconds elsewhere, nothing when asked to be quiet.
//!
//! All of it goes to standard error. Wall-clock time is read here and never reaches a result.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use fpcheck::output::note;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kernels::run::Progress;

/// Speed is that of the last while.
const WINDOW: Duration = Duration::from_secs(10);
const LINE_EVERY: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Shows progress.
pub(crate) struct Display {
    bar: Option<ProgressBar>,
    looks: VecDeque<(Instant, u64)>,
    began: Option<(Instant, u64)>,
    ended: Option<(Instant, u64)>,
    last_line: Instant,
    nanoseconds_per_step: Option<f64>,
    steps_per_segment: u64,
    quiet: bool,
}

impl Display {
    /// A display for a run of `steps` steps of which `step` are done.
    pub(crate) fn new(step: u64, steps: u64, steps_per_segment: u64, nanoseconds_per_step: Option<f64>, quiet: bool) -> Self {
        let is_bar = !quiet && std::io::stderr().is_terminal();
        let bar = is_bar.then(|| {
            let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr_with_hz(10));
            let style = ProgressStyle::with_template("{bar:32.cyan/blue.dim} {percent:>3}%  {wide_msg}");
            bar.set_style(style.expect("the template is written out above").progress_chars("━╸─"));
            bar.set_position(step);
            bar.set_message("compiling");
            bar
        });
        Self {
            bar,
            looks: VecDeque::new(),
            began: None,
            ended: None,
            last_line: Instant::now(),
            nanoseconds_per_step,
            steps_per_segment,
            quiet,
        }
    }

    /// Show where the run is.
    pub(crate) fn show(&mut self, progress: &Progress) {
        let now = Instant::now();
        self.began.get_or_insert((now, progress.step));
        self.ended = Some((now, progress.step));
        if self.looks.back().is_some_and(|look| now - look.0 < LOOK_EVERY) && progress.step < progress.steps {
            return;
        }
        self.looks.push_back((now, progress.step));
        while self.looks.len() > 2 && self.looks.front().is_some_and(|look| now - look.0 > WINDOW) {
            self.looks.pop_front();
        }
        if let Some(bar) = &self.bar {
            bar.set_position(progress.step);
            bar.set_message(self.text(progress));
        } else if !self.quiet && now - self.last_line >= LINE_EVERY {
            self.last_line = now;
            note(self.text(progress));
        }
    }

    /// Say something without disturbing the bar.
    pub(crate) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(text)),
            None => note(text),
        }
    }

    /// The run has ended: take the bar away.
    pub(crate) fn finish(&mut self) {
        self.ended = self.ended.map(|(_, step)| (Instant::now(), step));
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Steps in a second, and the seconds, from the first look (before the first step) to the end.
    pub(crate) fn overall(&self) -> Option<(f64, f64)> {
        let ((began, from), (ended, to)) = (self.began?, self.ended?);
        let seconds = (ended - began).as_secs_f64();
        (seconds > 0.0 && to > from).then(|| ((to - from) as f64 / seconds, seconds))
    }

    fn text(&self, progress: &Progress) -> String {
        let mut text = format!("step {} of {}", progress.step, progress.steps);
        let (Some(first), Some(last)) = (self.looks.front(), self.looks.back()) else {
            return text;
        };
        let seconds = (last.0 - first.0).as_secs_f64();
        if seconds <= 0.0 || last.1 <= first.1 {
            return text;
        }
        let speed = (last.1 - first.1) as f64 / seconds;
        text.push_str(&format!(" · {} steps/s", figures(speed)));
        if let Some(nanoseconds) = self.nanoseconds_per_step {
            text.push_str(&format!(" · {} ns/day", figures(per_day(speed, nanoseconds))));
        }
        let left = |steps: u64| duration(steps as f64 / speed);
        text.push_str(&format!(" · {} left", left(progress.steps - progress.step)));
        let boundary = (progress.step / self.steps_per_segment + 1) * self.steps_per_segment;
        if boundary < progress.steps {
            text.push_str(&format!(" · boundary in {}", left(boundary - progress.step)));
        }
        text
    }
}

/// Simulated nanoseconds in a day of computing.
pub(crate) fn per_day(steps_per_s: f64, nanoseconds_per_step: f64) -> f64 {
    steps_per_s * nanoseconds_per_step * 86_400.0
}

/// Nanoseconds of one step, for packages that have a unit of time.
pub(crate) fn nanoseconds_per_step(run: &kernels::package::manifest::Run) -> Option<f64> {
    Some(run.time_per_step? * crate::analysis::formats::dcd::picoseconds(run.time_unit.as_deref()?)? * 1e-3)
}

/// Three figures that matter.
pub(crate) fn figures(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A length of time as people say it: `4.2 s`, `42 s`, `3 min 20 s`, `5 h 12 min`, `2 d 3 h`.
pub(crate) fn duration(seconds: f64) -> String {
    let s = seconds.clamp(0.0, 1e10).round() as u64;
    match s {
        0..10 => format!("{:.1} s", seconds.max(0.0)),
        10..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let said: Vec<String> = [0.4, 59.0, 200.0, 18_720.0, 183_600.0].into_iter().map(duration).collect();
        assert_eq!(said, ["0.4 s", "59 s", "3 min 20 s", "5 h 12 min", "2 d 3 h"]);
    }

    #[test]
    fn simulated_time_per_day_counts_the_unit() {
        // 2 fs a step, 1000 steps a second: 172.8 ns a day.
        assert!((per_day(1000.0, 2e-6) - 172.8).abs() < 1e-9);
    }
}

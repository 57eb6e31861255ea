//! `baton verify --segments | --sample | --all`: recorded segments computed again here, and what that confirms.
//!
//! Invariant: nothing is said to be confirmed that was not computed here from a state on record.

use std::collections::BTreeSet;
use std::path::Path;

use device::SessionOptions;
use fpcheck::bisect::{self, BisectError, Side, Verdict};
use kernels::run::replay::Mismatch;
use kernels::run::{Control, Pilot, Progress, Replay, RunDir, RunError};
use serde::Serialize;

use super::choose::{self, Chosen};
use crate::console::output;
use crate::console::progress::Display;
use crate::console::signals::Stop;
use crate::exit::{Usage, WrongClass};

/// Which segments are computed again.
#[derive(clap::Args, Debug)]
pub(crate) struct ReplayArgs {
    /// Compute these segments again, counted from 1.
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', group = "replayed", value_parser = clap::value_parser!(u64).range(1..))]
    segments: Vec<u64>,
    /// Compute so many segments again, drawn at random: what is drawn is printed.
    #[arg(long, value_name = "N", group = "replayed", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// Compute every segment again.
    #[arg(long, group = "replayed")]
    all: bool,
    /// Device for it: `auto`, `cpu`, or an id that `baton devices` shows.
    #[arg(long, default_value = "auto", value_name = "ID", requires = "replayed")]
    device: String,
}

/// What was computed again, and what came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Replayed {
    /// Device that computed it.
    device: String,
    /// Its hardware class.
    class: String,
    /// Segments on record.
    segments: u64,
    /// Segments that were asked for, or drawn.
    wanted: BTreeSet<u64>,
    #[serde(flatten)]
    replay: Replay,
    /// Where two computations of the first segment that came out otherwise part.
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<Verdict>,
}

impl ReplayArgs {
    /// Whether anything is to be computed again.
    pub(crate) fn is_asked(&self) -> bool {
        self.all || self.sample.is_some() || !self.segments.is_empty()
    }

    fn wanted(&self, last: u64) -> anyhow::Result<BTreeSet<u64>> {
        if last == 0 {
            return Err(Usage("nothing was computed yet: there is no segment to compute again".to_owned()).into());
        }
        if let Some(segment) = self.segments.iter().find(|segment| **segment > last) {
            return Err(Usage(format!("--segments {segment}: not on record, expected 1 to {last}")).into());
        }
        Ok(match self.sample {
            Some(count) if count < last => sample(count, last)?,
            None if !self.all => self.segments.iter().copied().collect(),
            _ => (1..=last).collect(),
        })
    }
}

/// `count` different numbers of 1 to `last` from the system's random numbers, so that a forger cannot predict them (R. Floyd's algorithm, CACM 30, 754, 1987).
fn sample(count: u64, last: u64) -> anyhow::Result<BTreeSet<u64>> {
    let mut drawn = BTreeSet::new();
    for highest in last - count + 1..=last {
        let one = 1 + getrandom::u64().map_err(std::io::Error::from)? % highest;
        if !drawn.insert(one) {
            drawn.insert(highest);
        }
    }
    Ok(drawn)
}

/// Compute again what was asked for. On a difference, search for the pass, buffer and element where this machine's computations part.
///
/// # Errors
/// The device or the record does not fit, or the device failed.
pub(crate) fn replay(dir: &RunDir, args: &ReplayArgs, quiet: bool) -> anyhow::Result<Replayed> {
    let chain = dir.chain()?;
    let last = chain.last().map_or(0, |line| line.entry.segment);
    let wanted = args.wanted(last)?;
    let first = wanted.iter().find_map(|segment| chain.get(usize::try_from(*segment).ok()?));
    let chosen = choose::device(&args.device, dir.package().manifest().tier, first.map(|line| line.class))?;
    let last_wanted = wanted.last().copied().unwrap_or(last);
    let mut watched = Watched::new(dir, last_wanted, quiet)?;
    let ended = dir.replay(
        &wanted,
        &*chosen.device,
        chosen.class,
        &SessionOptions::default(),
        &mut watched,
    );
    watched.display.finish();
    let replay = ended.map_err(|error| in_words(dir, &chosen, error))?;
    let first = replay.mismatches.first();
    let search = first.and_then(|mismatch| match search(dir.path(), &chosen, mismatch.segment, quiet) {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            output::note(format_args!("where it parts was not found: {error}"));
            None
        }
    });
    Ok(Replayed {
        device: chosen.device.info().id.clone(),
        class: chosen.class.to_string(),
        segments: last,
        wanted,
        replay,
        search,
    })
}

/// A run of another class, in words that say how the hardware differs.
fn in_words(dir: &RunDir, chosen: &Chosen, error: RunError) -> anyhow::Error {
    let RunError::Class { have, here } = error else {
        return error.into();
    };
    let mut text = format!(
        "the segments to compute again are of hardware class {have}; device '{}' is of class {here}: \
         verify them on a device of their own class",
        chosen.device.info().id
    );
    if let Ok(fingerprint) = fpcheck::fingerprint(&*chosen.device, have.tier) {
        for words in fpcheck::hardware_differences(dir.path(), have, &fingerprint) {
            text.push_str(&format!("\n  {words}"));
        }
    }
    WrongClass(text).into()
}

/// Hand the segment to the bisection: the device that replayed it, beside another one of its class where there is one.
fn search(path: &Path, chosen: &Chosen, segment: u64, quiet: bool) -> Result<Verdict, BisectError> {
    let id = &chosen.device.info().id;
    let other = device::automatic()
        .into_iter()
        .filter(|other| other.info().id != *id)
        .find(|other| fpcheck::class(&**other, chosen.class.tier) == Some(chosen.class));
    let a = Side::open(path, Some(chosen.device.clone()), &[])?;
    let b = Side::open(path, Some(other.unwrap_or_else(|| chosen.device.clone())), &[])?;
    bisect::within(&a, &b, segment, &mut |words| {
        if !quiet {
            output::note(words);
        }
    })
}

/// Shows where the replay is, and stops it on a signal.
struct Watched {
    display: Display,
    stop: Stop,
    progress: Progress,
}

impl Watched {
    fn new(dir: &RunDir, segments: u64, quiet: bool) -> anyhow::Result<Self> {
        let per_segment = dir.package().manifest().run.steps_per_segment;
        let steps = segments.saturating_mul(per_segment);
        Ok(Self {
            display: Display::new(0, steps, per_segment, None, quiet),
            stop: Stop::listen()?,
            progress: Progress {
                segment: 0,
                segments,
                step: 0,
                steps,
                boundary: None,
                non_finite: None,
                made_larger: None,
            },
        })
    }
}

impl Pilot for Watched {
    fn steer(&mut self, segment: u64, step: u64) -> Control {
        (self.progress.segment, self.progress.step) = (segment, step);
        self.display.show(&self.progress);
        match self.stop.asked() {
            0 => Control::Continue,
            _ => Control::StopNow,
        }
    }
}

impl Replayed {
    /// Whether all that was asked for was confirmed.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.replay.is_confirmed()
    }

    /// For people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let confirmed = &self.replay.confirmed;
        let mut lines = vec![format!(
            "replayed     {} of {} segments came out as on record on {} (class {}): {}",
            confirmed.len(),
            self.segments,
            self.device,
            self.class,
            ranges(confirmed)
        )];
        lines.extend(self.replay.mismatches.iter().map(mismatch));
        match &self.search {
            Some(Verdict::Part(parting)) => lines.extend(parting.to_string().lines().map(|line| format!("             {line}"))),
            Some(Verdict::NotReproduced { segment, words }) => lines.push(format!(
                "             segment {segment} computed twice here: {words}: the record differs from what this machine computes"
            )),
            Some(Verdict::Agree(_)) | None => {}
        }
        if !self.replay.unreached.is_empty() {
            lines.push(format!(
                "NOT JUDGED   segments {}: the state before them is not at hand; with `--checkpoint-every` a run keeps all its checkpoints",
                ranges(&self.replay.unreached)
            ));
        }
        if self.replay.stopped {
            lines.push("STOPPED      before all that was asked for was computed".to_owned());
        }
        if self.is_confirmed() {
            let left = self.segments - confirmed.len() as u64;
            lines.push(match left {
                0 => "every segment was computed again, and came out with the same bits".to_owned(),
                left => format!("all that was computed again came out with the same bits; {left} segments were not computed"),
            });
        }
        lines
    }
}

fn mismatch(mismatch: &Mismatch) -> String {
    let Mismatch {
        segment,
        recorded,
        found,
        difference,
    } = mismatch;
    let what = match (difference, recorded.content == found.content) {
        (Some(first), _) => format!(
            "buffer '{}' differs in {} elements, first {:?}: {} on record, {} here",
            first.buffer, first.elements, first.index, first.recorded, first.found
        ),
        (None, true) => format!("its outputs are {} on record, {} here", recorded.outputs, found.outputs),
        (None, false) => format!("its state is {} on record, {} here", recorded.content, found.content),
    };
    format!("MISMATCH     segment {segment}, step {}: {what}", recorded.step)
}

/// `1-5, 8`.
fn ranges(numbers: &BTreeSet<u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == number => *end = number,
            _ => runs.push((number, number)),
        }
    }
    let text = runs.iter().map(|(from, to)| match from == to {
        true => from.to_string(),
        false => format!("{from}-{to}"),
    });
    match runs.is_empty() {
        true => "none".to_owned(),
        false => text.collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_as_many_different_segments_as_were_asked_for() {
        for count in 1..=20 {
            let drawn = sample(count, 20).expect("the system gives random numbers");
            assert_eq!(drawn.len() as u64, count);
            assert!(drawn.iter().all(|segment| (1..=20).contains(segment)), "{drawn:?}");
        }
    }

    #[test]
    fn numbers_that_follow_each_other_are_said_as_a_range() {
        assert_eq!(ranges(&BTreeSet::from([1, 2, 3, 7, 9, 10])), "1-3, 7, 9-10");
        assert_eq!(ranges(&BTreeSet::new()), "none");
    }
}

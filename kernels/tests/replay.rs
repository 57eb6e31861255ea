//! Segments on record computed again: what is confirmed, what is found, and what cannot be judged.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use device::{Command, Device, DeviceError, DeviceInfo, Program, Session, SessionOptions};
use kernels::package::Package;
use kernels::run::{self, Control, Pilot, Replay, RunConfig, RunDir, RunError, RunOptions};
use protocol::{Digest, HardwareClass, Tier};

const SEGMENTS: u64 = 6;

/// The CPU device, of which one bit of the state is wrong at the end of one segment.
struct FlipsOnce {
    inner: Arc<dyn Device>,
    segment: u64,
}

struct Flips {
    inner: Box<dyn Session>,
    segment: u64,
    reads: AtomicU64,
}

impl Device for FlipsOnce {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }

    fn open(&self, program: &Program, options: &SessionOptions) -> Result<Box<dyn Session>, DeviceError> {
        Ok(Box::new(Flips {
            inner: self.inner.open(program, options)?,
            segment: self.segment,
            reads: AtomicU64::new(0),
        }))
    }
}

impl Session for Flips {
    fn write(&mut self, buffer: usize, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.inner.write(buffer, offset, bytes)
    }

    fn submit(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        self.inner.submit(commands)
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        self.inner.wait()
    }

    fn read(&mut self, buffers: &[usize]) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut read = self.inner.read(buffers)?;
        // One read a boundary.
        if self.reads.fetch_add(1, Ordering::Relaxed) + 1 == self.segment {
            read[0][40] ^= 1;
        }
        Ok(read)
    }
}

struct Onward;

impl Pilot for Onward {
    fn steer(&mut self, _: u64, _: u64) -> Control {
        Control::Continue
    }
}

fn cpu() -> Arc<dyn Device> {
    device::select("cpu").expect("every machine has it")
}

fn class(name: &str) -> HardwareClass {
    HardwareClass {
        tier: Tier::ClassBound,
        key: Digest::of(name.as_bytes()),
    }
}

fn package() -> Package {
    let package = kernels::examples::load("ising").expect("a shipped example");
    let manifest = package.manifest().clone().with_steps_per_segment(3);
    package.with_manifest(manifest).expect("still a good package")
}

/// A run on a device that gives a wrong bit at the end of a segment; at the end of none, if it is 0.
fn recorded(place: &Path, wrong: u64, keep_checkpoints: bool) -> RunDir {
    let config = RunConfig {
        keep_checkpoints,
        ..RunConfig::new(SEGMENTS)
    };
    let device = FlipsOnce {
        inner: cpu(),
        segment: wrong,
    };
    let dir = RunDir::create(place, &package(), config).expect("created");
    run::run(&dir, &device, class("a"), &RunOptions::default(), &mut |_| Control::Continue).expect("runs");
    assert!(dir.verify().expect("looked at").is_whole(), "the record agrees with itself");
    dir
}

fn replay(dir: &RunDir, wanted: &[u64], on: &str) -> Result<Replay, RunError> {
    let wanted: BTreeSet<u64> = wanted.iter().copied().collect();
    dir.replay(&wanted, &*cpu(), class(on), &SessionOptions::default(), &mut Onward)
}

#[test]
fn an_honest_run_is_confirmed_and_only_as_far_as_it_was_computed_again() {
    let place = tempfile::tempdir().expect("a folder");
    let dir = recorded(&place.path().join("kept"), 0, true);
    let some = replay(&dir, &[2, 5], "a").expect("replayed");
    assert!(some.is_confirmed() && some.confirmed == BTreeSet::from([2, 5]), "{some:?}");
    // Without checkpoints the segments on the way are computed and judged, too.
    let bare = recorded(&place.path().join("bare"), 0, false);
    let on_the_way = replay(&bare, &[3], "a").expect("replayed");
    assert!(on_the_way.is_confirmed() && on_the_way.confirmed == BTreeSet::from([1, 2, 3]));
    assert!(matches!(replay(&dir, &[1], "b"), Err(RunError::Class { .. })));
    let beyond = replay(&dir, &[7], "a").expect_err("there is none").to_string();
    assert!(beyond.contains("segment 7 is not on record: expected 1 to 6"), "{beyond}");
}

#[test]
fn one_wrong_bit_is_found_in_its_own_segment_and_blamed_on_no_other() {
    let place = tempfile::tempdir().expect("a folder");
    let dir = recorded(&place.path().join("kept"), 3, true);
    let all = replay(&dir, &[1, 2, 3, 4, 5, 6], "a").expect("replayed");
    assert_eq!(
        all.confirmed,
        BTreeSet::from([1, 2, 4, 5, 6]),
        "what follows goes on rightly from the wrong state"
    );
    let [mismatch] = &all.mismatches[..] else { panic!("{all:?}") };
    assert_eq!(mismatch.segment, 3);
    assert_ne!(mismatch.found.digest, mismatch.recorded.digest);
    let difference = mismatch.difference.as_ref().expect("the checkpoint is there");
    assert_eq!(difference.elements, 1);
    let bits = |text: &str| u32::from_str_radix(text, 16).expect("bits");
    assert_eq!((bits(&difference.recorded) ^ bits(&difference.found)).count_ones(), 1);

    // Where the checkpoints between are gone, what follows the wrong segment cannot be judged.
    let bare = recorded(&place.path().join("bare"), 3, false);
    let all = replay(&bare, &[1, 2, 3, 4, 5, 6], "a").expect("replayed");
    assert_eq!(
        (all.confirmed, all.unreached),
        (BTreeSet::from([1, 2, 6]), BTreeSet::from([4, 5]))
    );
    assert!(all.mismatches[0].segment == 3 && all.mismatches[0].difference.is_none());
}

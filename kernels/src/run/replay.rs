//! Recorded segments computed again, and held against the chain.
//!
//! Invariant: a segment counts as confirmed only if it was computed from a state with the digest that the chain records before it, and its
//! state and outputs have the digests on record. A segment is judged by its own replay alone: one that goes on rightly from a wrong
//! state is right.

use std::collections::BTreeSet;

use device::{Device, SessionOptions};
use protocol::{ChainEntry, HardwareClass, StateBuffer};
use serde::Serialize;

use super::chain::REMEDY;
use super::dir::{ChainLine, RunDir};
use super::executor::{Boundary, Executor};
use super::segments::{Control, Pilot, STEPS_PER_STRETCH};
use super::{RunError, finite, state};

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Segments that came out as on record, in order. Those on the way to a wanted one are among them.
    pub confirmed: BTreeSet<u64>,
    /// Segments that came out otherwise, in order.
    pub mismatches: Vec<Mismatch>,
    /// Wanted segments that could not be judged: no recorded state before them is at hand.
    pub unreached: BTreeSet<u64>,
    /// The pilot stopped the replay before its end.
    pub stopped: bool,
}

/// A segment that came out otherwise than on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The segment, counted from 1.
    pub segment: u64,
    /// The boundary at its end on record.
    pub recorded: ChainEntry,
    /// The boundary as computed here, behind the same parent.
    pub found: ChainEntry,
    /// Where the states differ, when the recorded one is at hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// The first element that differs between two states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Name of the state buffer.
    pub buffer: String,
    /// Place of the element in the standard layout.
    pub index: Vec<u64>,
    /// The element's bits on record, eight hexadecimal digits.
    pub recorded: String,
    /// The element's bits as computed here.
    pub found: String,
    /// How many elements of the buffer differ.
    pub elements: u64,
}

impl Replay {
    /// Whether every wanted segment was computed again and came out as on record.
    pub fn is_confirmed(&self) -> bool {
        self.mismatches.is_empty() && self.unreached.is_empty() && !self.stopped
    }
}

impl RunDir {
    /// Compute recorded segments again on a device of their class. Each begins at the newest recorded state before it that is at hand: a
    /// checkpoint or C0; the segments between are computed and judged, too. The pilot may stop it.
    ///
    /// # Errors
    /// The chain cannot be read or was changed; a segment is not on record; [`RunError::Class`] when a segment is of another class; or the
    /// device failed.
    pub fn replay(
        &self,
        wanted: &BTreeSet<u64>,
        device: &dyn Device,
        class: HardwareClass,
        session: &SessionOptions,
        pilot: &mut dyn Pilot,
    ) -> Result<Replay, RunError> {
        let chain = self.chain()?;
        let (c0, initial) = state::initial_boundary(self.package());
        if chain.first().is_none_or(|line| line.entry != c0) {
            let problem = format!("line 1 is not the package's initial state; {REMEDY}");
            return Err(RunError::altered(&self.chain_path(), Some(0), problem));
        }
        let last = chain.len() as u64 - 1;
        if let Some(segment) = wanted.iter().find(|segment| **segment == 0 || **segment > last) {
            let problem = format!("segment {segment} is not on record: expected 1 to {last}");
            return Err(RunError::folder(&self.chain_path(), problem));
        }
        Replayer {
            dir: self,
            chain: &chain,
            initial,
            class,
            executor: Executor::open(self.package(), device, session)?,
            at: None,
            lost: 0,
            replay: Replay::default(),
        }
        .run(wanted, pilot)
    }
}

struct Replayer<'a> {
    dir: &'a RunDir,
    chain: &'a [ChainLine],
    initial: Vec<StateBuffer>,
    class: HardwareClass,
    executor: Executor<'a>,
    /// The boundary that the device holds, if its state is the one on record.
    at: Option<u64>,
    /// The last boundary whose state came out otherwise: what follows can only begin at recorded states from there on.
    lost: u64,
    replay: Replay,
}

impl Replayer<'_> {
    fn run(mut self, wanted: &BTreeSet<u64>, pilot: &mut dyn Pilot) -> Result<Replay, RunError> {
        for &segment in wanted {
            let judged = |seen: &Replay| {
                seen.confirmed.contains(&segment) || seen.mismatches.iter().any(|mismatch| mismatch.segment == segment)
            };
            if judged(&self.replay) {
                continue;
            }
            if !self.begin_before(segment)? {
                self.replay.unreached.insert(segment);
                continue;
            }
            while let Some(from) = self.at.filter(|at| *at < segment) {
                if !self.segment(from + 1, pilot)? {
                    self.replay.stopped = true;
                    return Ok(self.replay);
                }
            }
            if !judged(&self.replay) {
                self.replay.unreached.insert(segment);
            }
        }
        Ok(self.replay)
    }

    /// Put the newest recorded state before a segment on the device, unless the device's own is newer. Whether there is one.
    fn begin_before(&mut self, segment: u64) -> Result<bool, RunError> {
        let oldest = self.at.map_or(self.lost.max(1), |at| at + 1);
        let kept = (oldest..segment).rev().find_map(|at| Some((at, self.recorded(at)?)));
        let (at, state) = match (kept, self.at) {
            (Some(kept), _) => kept,
            (None, Some(_)) => return Ok(true),
            (None, None) if self.lost == 0 => (0, self.initial.clone()),
            (None, None) => return Ok(false),
        };
        self.executor.enter(at, &state)?;
        self.at = Some(at);
        Ok(true)
    }

    /// The state at a boundary from its checkpoint, where that is whole and the chain's.
    fn recorded(&self, segment: u64) -> Option<Vec<StateBuffer>> {
        let path = self.dir.checkpoint_path(segment);
        let checkpoint = path.is_file().then(|| self.dir.read_checkpoint(&path).ok())??;
        (checkpoint.entry == self.line(segment).entry).then_some(checkpoint.buffers)
    }

    fn line(&self, segment: u64) -> &ChainLine {
        &self.chain[segment as usize]
    }

    /// Compute the segment behind the boundary that the device holds, and judge it. False: the pilot stopped it.
    fn segment(&mut self, segment: u64, pilot: &mut dyn Pilot) -> Result<bool, RunError> {
        let have = self.line(segment).class;
        if have != self.class {
            return Err(RunError::Class { have, here: self.class });
        }
        let boundary = loop {
            while self.executor.steps_left() > 0 {
                if pilot.steer(segment - 1, self.executor.step()) != Control::Continue {
                    return Ok(false);
                }
                self.executor.advance(STEPS_PER_STRETCH)?;
            }
            if let Some(boundary) = self.executor.cross_or_grow()? {
                break boundary;
            }
            pilot.begins_again(self.executor.made());
        };
        self.judge(segment, &boundary);
        Ok(true)
    }

    fn judge(&mut self, segment: u64, boundary: &Boundary) {
        let package = self.dir.package();
        let (content, _) = finite::digest_state(&boundary.state);
        let (outputs, _) = finite::digest_outputs(package, &boundary.outputs);
        let parent = &self.line(segment - 1).entry;
        let found = ChainEntry::next(package.digest(), Some(parent), boundary.step, content, outputs);
        let recorded = self.line(segment).entry.clone();
        if found == recorded {
            self.at = Some(segment);
            self.replay.confirmed.insert(segment);
            return;
        }
        let same_state = content == recorded.content;
        self.at = same_state.then_some(segment);
        let difference = match same_state {
            true => None,
            false => {
                self.lost = segment;
                self.recorded(segment)
                    .and_then(|recorded| difference(&recorded, &boundary.state))
            }
        };
        self.replay.mismatches.push(Mismatch {
            segment,
            recorded,
            found,
            difference,
        });
    }
}

/// The first element that differs between two states of one package.
fn difference(recorded: &[StateBuffer], found: &[StateBuffer]) -> Option<Difference> {
    let (recorded, found) = recorded
        .iter()
        .zip(found)
        .find(|(recorded, found)| recorded.bytes != found.bytes)?;
    let words = |buffer: &StateBuffer| buffer.bytes.as_chunks::<4>().0.to_vec();
    let (left, right) = (words(recorded), words(found));
    let differ = || left.iter().zip(&right).enumerate().filter(|(_, (left, right))| left != right);
    let (element, (a, b)) = differ().next()?;
    let mut rest = element as u64;
    let mut index = Vec::new();
    for extent in recorded.shape.iter().rev() {
        index.push(rest % extent);
        rest /= extent;
    }
    index.reverse();
    let bits = |word: &[u8; 4]| format!("{:08x}", u32::from_le_bytes(*word));
    Some(Difference {
        buffer: recorded.name.clone(),
        index,
        recorded: bits(a),
        found: bits(b),
        elements: differ().count() as u64,
    })
}

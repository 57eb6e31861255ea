//! The durable record of a run: its chain, the files that the chain's lines speak of, and what is good of them.
//!
//! Order within a boundary: the layout's files, then the line (this commits it), then what became superfluous goes. After a crash or a
//! move, [`Journal::open`] takes the newest boundary whose files are whole. Boundaries on record behind it are computed again and have
//! to come out the same: [`RunError::Diverged`] otherwise.
//!
//! Where the files lie, and what a line says beside the boundary, is a [`Layout`]'s business: a run directory ([`RunDir`](super::RunDir)),
//! or the folder of a job that an agent computes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use protocol::{ChainEntry, Digest, StateBuffer};

use crate::package::Package;

use super::RunError;
use super::chain::{self, Line, Root};
use super::executor::Boundary;
use super::finite::{self, NonFinite};
use super::segments::Reached;

/// A boundary that was just computed, with its digests.
pub struct Computed {
    /// Its place in the chain.
    pub entry: ChainEntry,
    /// State and outputs.
    pub boundary: Boundary,
    /// Time that its segment took, without pauses.
    pub took: Duration,
    /// The first value in it that is not finite; of the state, if there is one.
    pub non_finite: Option<NonFinite>,
    /// The package itself ends the run here.
    pub is_done: bool,
}

/// The files of a journal.
pub trait Layout: Send {
    /// A line of the chain.
    type Line: Line;
    /// Where the chain may begin.
    const ROOT: Root;

    /// The package that is run.
    fn package(&self) -> &Package;
    /// Where the chain's file lies.
    fn chain_path(&self) -> PathBuf;
    /// The state at a boundary on record, when every file that its line speaks of is whole. `is_first`: it is the chain's first line.
    ///
    /// # Errors
    /// What is missing or damaged.
    fn state_at(&self, line: &Self::Line, is_first: bool) -> Result<Vec<StateBuffer>, RunError>;
    /// Computing goes on behind `line`; `before` are the lines before it.
    fn go_on(&mut self, line: &Self::Line, before: &[chain::Placed<Self::Line>]);
    /// Begin the files for a record that begins with this boundary. The line that commits it.
    ///
    /// # Errors
    /// The file system refuses.
    fn begin(&mut self, entry: &ChainEntry) -> Result<Self::Line, RunError>;
    /// Write everything that the boundary's line will speak of. The line.
    ///
    /// # Errors
    /// The file system refuses.
    fn write(&mut self, computed: Computed) -> Result<Self::Line, RunError>;
    /// The line is on disk: what it makes superfluous can go.
    ///
    /// # Errors
    /// The file system refuses.
    fn committed(&mut self, line: &Self::Line) -> Result<(), RunError>;
}

/// A record that boundaries are added to.
pub struct Journal<L: Layout> {
    layout: L,
    last: ChainEntry,
    /// The package itself ended the run at the last boundary.
    is_done: bool,
    /// Length of the chain's file up to and including the last boundary's line.
    chain_bytes: u64,
    /// Digests on record for boundaries after the last one: they have to come out again.
    recorded: BTreeMap<u64, Digest>,
}

/// Where computing goes on.
pub struct Start<L: Layout> {
    /// The record, which ends at this boundary.
    pub journal: Journal<L>,
    /// The state there.
    pub state: Vec<StateBuffer>,
    /// The boundaries on record, up to and including this one.
    pub lines: Vec<L::Line>,
    /// Why newer boundaries on record are computed again, the newest first.
    pub passed_over: Vec<String>,
}

impl<L: Layout> Journal<L> {
    /// Open a record at its last good boundary. The state is read, unpacked and digested once, here.
    ///
    /// # Errors
    /// The chain cannot be read, or was changed ([`RunError::Altered`]).
    pub fn open(mut layout: L) -> Result<Opened<L>, RunError> {
        let mut lines = chain::read::<L::Line>(&layout.chain_path(), layout.package().digest(), L::ROOT)?;
        let mut recorded = BTreeMap::new();
        let mut passed_over = Vec::new();
        while let Some(placed) = lines.pop() {
            let entry = placed.line.entry();
            match layout.state_at(&placed.line, lines.is_empty()) {
                Ok(state) => {
                    layout.go_on(&placed.line, &lines);
                    let journal = Self {
                        is_done: layout.package().is_done(&state),
                        layout,
                        last: entry.clone(),
                        chain_bytes: placed.end,
                        recorded,
                    };
                    let lines = lines.into_iter().map(|placed| placed.line).chain([placed.line]).collect();
                    return Ok(Opened::Good(Start {
                        journal,
                        state,
                        lines,
                        passed_over,
                    }));
                }
                Err(problem) => {
                    recorded.insert(entry.segment, entry.digest);
                    passed_over.push(problem.to_string());
                }
            }
        }
        Ok(Opened::NothingGood(Blank {
            layout,
            recorded,
            passed_over,
        }))
    }

    /// Begin a record at this boundary; whatever is on record there goes.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn create(layout: L, entry: &ChainEntry, state: Vec<StateBuffer>) -> Result<Start<L>, RunError> {
        let blank = Blank {
            layout,
            recorded: BTreeMap::new(),
            passed_over: Vec::new(),
        };
        blank.begin(entry, state)
    }

    /// The last boundary.
    pub fn last(&self) -> &ChainEntry {
        &self.last
    }

    /// Whether the package itself ended the run at the last boundary.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    pub(super) fn reached(&self) -> Reached {
        Reached {
            entry: self.last.clone(),
            is_done: self.is_done,
        }
    }

    /// Segment of the last boundary on record that has to come out again, if there is one.
    pub fn computes_again_until(&self) -> Option<u64> {
        self.recorded.keys().next_back().copied()
    }

    /// Compare nothing with what is on record behind the last boundary: it is of other bits.
    pub fn forget_recorded(&mut self) {
        self.recorded.clear();
    }

    /// Put a boundary on record. The line that committed it.
    ///
    /// # Errors
    /// The boundary came out differently from the one on record, or the file system refuses.
    pub fn record(&mut self, boundary: Boundary, took: Duration) -> Result<L::Line, RunError> {
        let package = self.layout.package();
        let (content, in_state) = finite::digest_state(&boundary.state);
        let (outputs, in_outputs) = finite::digest_outputs(package, &boundary.outputs);
        let entry = ChainEntry::next(package.digest(), Some(&self.last), boundary.step, content, outputs);
        let recorded = self.recorded.remove(&entry.segment);
        if let Some(recorded) = recorded.filter(|recorded| *recorded != entry.digest) {
            return Err(RunError::Diverged {
                segment: entry.segment,
                found: entry.digest.to_string(),
                recorded: recorded.to_string(),
            });
        }
        let is_done = package.is_done(&boundary.state);
        let line = self.layout.write(Computed {
            entry,
            boundary,
            took,
            non_finite: in_state.or(in_outputs),
            is_done,
        })?;
        let line = self.commit(line)?;
        self.is_done = is_done;
        Ok(line)
    }

    fn commit(&mut self, line: L::Line) -> Result<L::Line, RunError> {
        self.chain_bytes = chain::append(&self.layout.chain_path(), self.chain_bytes, &line)?;
        self.last = line.entry().clone();
        self.layout.committed(&line)?;
        Ok(line)
    }
}

/// What was found on record.
#[expect(clippy::large_enum_variant, reason = "made once a run, and taken apart at once")]
pub enum Opened<L: Layout> {
    /// A boundary that computing can go on from.
    Good(Start<L>),
    /// No boundary, or none that is whole.
    NothingGood(Blank<L>),
}

/// A record without a good boundary.
pub struct Blank<L: Layout> {
    layout: L,
    recorded: BTreeMap<u64, Digest>,
    /// Why not, the newest boundary first; empty where nothing is on record.
    pub passed_over: Vec<String>,
}

impl<L: Layout> Blank<L> {
    /// Begin the record anew at this boundary; what it said of later ones has to come out again.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn begin(mut self, entry: &ChainEntry, state: Vec<StateBuffer>) -> Result<Start<L>, RunError> {
        let line = self.layout.begin(entry)?;
        self.recorded.remove(&entry.segment);
        let mut journal = Journal {
            is_done: self.layout.package().is_done(&state),
            layout: self.layout,
            last: entry.clone(),
            chain_bytes: 0,
            recorded: self.recorded,
        };
        let line = journal.commit(line)?;
        Ok(Start {
            journal,
            state,
            lines: vec![line],
            passed_over: self.passed_over,
        })
    }
}

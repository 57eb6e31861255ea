//! Digesting and writing boundaries, beside the next segment's computing.
//!
//! Order within a boundary: output files, checkpoint, chain line (this commits it), then older checkpoints go.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::Scope;

use protocol::checkpoint::content_digest;
use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass};

use super::dir::{ChainLine, RunDir, Start};
use super::executor::Boundary;
use super::{RunError, disk, frames};

/// Boundaries that may wait to be written while the next segments compute: bounds the memory they take.
const WAITING_MAX: usize = 1;

/// The other end of the writing thread.
pub(super) struct Keeper {
    boundaries: SyncSender<Boundary>,
    kept: Receiver<Result<ChainEntry, RunError>>,
}

impl Keeper {
    /// Start writing behind `start`.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        dir: &'scope mut RunDir,
        class: HardwareClass,
        start: Start,
    ) -> Self {
        let (boundaries, incoming) = mpsc::sync_channel::<Boundary>(WAITING_MAX);
        let (outgoing, kept) = mpsc::channel();
        scope.spawn(move || {
            let mut desk = match Desk::new(dir, class, start) {
                Ok(desk) => desk,
                Err(error) => return drop(outgoing.send(Err(error))),
            };
            for boundary in incoming {
                let result = desk.keep(boundary);
                let failed = result.is_err();
                if outgoing.send(result).is_err() || failed {
                    return;
                }
            }
        });
        Self { boundaries, kept }
    }

    /// Hand over a boundary.
    ///
    /// # Errors
    /// An earlier one failed.
    pub(super) fn keep(&mut self, boundary: Boundary) -> Result<(), RunError> {
        if self.boundaries.send(boundary).is_ok() {
            return Ok(());
        }
        self.kept.iter().try_for_each(|result| result.map(drop))
    }

    /// The latest boundary on disk since the last call; with `wait`, at least one.
    ///
    /// # Errors
    /// One failed.
    pub(super) fn kept(&mut self, wait: bool) -> Result<Option<ChainEntry>, RunError> {
        let first = if wait { self.kept.recv().ok() } else { None };
        first
            .into_iter()
            .chain(self.kept.try_iter())
            .try_fold(None, |_, result| result.map(Some))
    }

    /// Wait for everything handed over, and return what reached the disk since the last call.
    ///
    /// # Errors
    /// One failed.
    pub(super) fn finish(self) -> Result<Vec<ChainEntry>, RunError> {
        drop(self.boundaries);
        self.kept.iter().collect()
    }
}

/// The writing side: the end of the chain, and what lies on disk.
struct Desk<'a> {
    dir: &'a mut RunDir,
    class: HardwareClass,
    last: ChainEntry,
    files: BTreeMap<String, u64>,
    chain_bytes: u64,
    recorded: BTreeMap<u64, Digest>,
    kept: Vec<u64>,
}

impl<'a> Desk<'a> {
    fn new(dir: &'a mut RunDir, class: HardwareClass, start: Start) -> Result<Self, RunError> {
        let Start {
            entry,
            files,
            chain_bytes,
            recorded,
            mut kept,
            ..
        } = start;
        if entry.segment > 0 {
            kept.push(entry.segment);
        }
        let mut desk = Self {
            dir,
            class,
            last: entry.clone(),
            files,
            chain_bytes,
            recorded,
            kept,
        };
        if desk.chain_bytes == 0 {
            desk.files = frames::begin(desk.dir)?;
            desk.commit(entry)?;
        }
        Ok(desk)
    }

    fn keep(&mut self, boundary: Boundary) -> Result<ChainEntry, RunError> {
        let package = self.dir.package().digest();
        let (content, outputs) = (content_digest(&boundary.state), frames::outputs_digest(&boundary.outputs));
        let entry = ChainEntry::next(package, Some(&self.last), boundary.step, content, outputs);
        if let Some(recorded) = self
            .recorded
            .get(&entry.segment)
            .filter(|&&recorded| recorded != entry.digest)
        {
            let (found, recorded) = (entry.digest.to_string(), recorded.to_string());
            return Err(RunError::Diverged {
                segment: entry.segment,
                found,
                recorded,
            });
        }
        frames::append(self.dir, &boundary, &mut self.files)?;
        let config = self.dir.config();
        let keeps = entry.segment.is_multiple_of(config.checkpoint_every) || entry.segment >= config.segments;
        if keeps {
            let path = self.dir.checkpoint_path(entry.segment);
            let checkpoint = Checkpoint {
                package,
                entry: entry.clone(),
                class: self.class,
                buffers: boundary.state,
            };
            let bytes = checkpoint.to_bytes().map_err(|source| RunError::Checkpoint {
                segment: entry.segment,
                source,
            })?;
            disk::replace(&path, &bytes)?;
        }
        self.commit(entry.clone())?;
        if keeps {
            self.prune(entry.segment)?;
        }
        Ok(entry)
    }

    fn commit(&mut self, entry: ChainEntry) -> Result<(), RunError> {
        let line = ChainLine {
            entry: entry.clone(),
            class: self.class,
            files: self.files.clone(),
        };
        self.chain_bytes = self.dir.append_line(&line, self.chain_bytes)?;
        self.last = entry;
        Ok(())
    }

    /// Keep this checkpoint and the one before it.
    fn prune(&mut self, segment: u64) -> Result<(), RunError> {
        self.kept.push(segment);
        while self.kept.len() > 2 {
            let path = self.dir.checkpoint_path(self.kept.remove(0));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(RunError::disk("delete", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

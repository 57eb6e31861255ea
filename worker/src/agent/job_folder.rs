//! A job's folder: the journal of what was computed here, from the boundary that it was handed over at to the last one that is not safe
//! on the server yet.
//!
//! | file | holds |
//! |---|---|
//! | `package.bundle` | the package's archive |
//! | `start.baton` | the checkpoint to begin from; none for C0 |
//! | `chain.jsonl` | a line a boundary, the one it began from first |
//! | `N.baton`, `N.outputs` | a boundary's checkpoint, a segment's outputs |
//!
//! What makes a boundary good, and what happens to those on record behind the last good one, is [`kernels::run::journal`]'s business;
//! this is its layout. Files are deleted when the planner says so, which knows what the server has.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernels::package::Package;
use kernels::run::journal::Layout;
use kernels::run::{Computed, Journal, Line, NonFinite, Opened, Placed, Root, RunError, Start};
use kernels::run::{disk, initial_boundary, read_checkpoint};
use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass, StateBuffer};
use serde::{Deserialize, Serialize};

use super::temperature;

/// A checkpoint on disk.
pub(crate) const CHECKPOINT_BYTES_MAX: u64 = 8 << 30;

/// A boundary that was reached here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The boundary.
    #[serde(flatten)]
    pub(crate) entry: ChainEntry,
    /// Time its segment took, milliseconds.
    pub(crate) ms: u64,
    /// Digest of its checkpoint's file; none for the boundary that it began from.
    pub(crate) blob: Option<Digest>,
    /// Bytes of its segment's outputs.
    pub(crate) output_bytes: u64,
    /// The first value of state or outputs that is not finite, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) non_finite: Option<NonFinite>,
    /// The package itself ended the run here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_done: bool,
    /// The temperature at its end, in words; only of a boundary that was reached just now.
    #[serde(skip)]
    pub(crate) temperature: Option<String>,
}

impl Line for Kept {
    fn entry(&self) -> &ChainEntry {
        &self.entry
    }
}

/// Where a job goes on: its journal, open at the last good boundary, and the state there.
pub(crate) type JobStart = Start<JobFiles>;

/// The folder of one attempt.
#[derive(Clone, Debug)]
pub(crate) struct JobFolder(PathBuf);

impl JobFolder {
    /// A folder of that path, which is made.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn create(path: &Path) -> Result<Self, RunError> {
        fs::create_dir_all(path).map_err(RunError::disk("create", path))?;
        Ok(Self(path.to_owned()))
    }

    /// The folder of that path, made or not.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where the package's archive lies.
    pub(crate) fn archive(&self) -> PathBuf {
        self.0.join("package.bundle")
    }

    /// Where the checkpoint to begin from lies.
    pub(crate) fn start(&self) -> PathBuf {
        self.0.join("start.baton")
    }

    /// Where a boundary's checkpoint lies.
    pub(crate) fn checkpoint(&self, segment: u64) -> PathBuf {
        self.0.join(format!("{segment:010}.baton"))
    }

    /// Where a segment's outputs lie.
    pub(crate) fn outputs(&self, segment: u64) -> PathBuf {
        self.0.join(format!("{segment:010}.outputs"))
    }

    fn chain_path(&self) -> PathBuf {
        self.0.join("chain.jsonl")
    }

    /// Remove it and all in it.
    pub(crate) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!("cannot remove {}: {error}", self.0.display());
        }
    }

    /// Put a file that was fetched in its place here, whatever becomes of the original. It appears there whole: a fetched file may be read, or put in the same place,
    /// by another thread at the same time.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn adopt(&self, from: &Path, to: &Path) -> Result<(), RunError> {
        static ADOPTED: AtomicU64 = AtomicU64::new(0);
        let mut new = to.as_os_str().to_owned();
        new.push(format!(".{}.new", ADOPTED.fetch_add(1, Ordering::Relaxed)));
        let new = PathBuf::from(new);
        // One that a process left behind when it was killed.
        drop(fs::remove_file(&new));
        if fs::hard_link(from, &new).is_err() {
            fs::copy(from, &new).map_err(RunError::disk("write", &new))?;
        }
        let placed = fs::rename(&new, to).map_err(RunError::disk("write", to));
        // Where both names were of one file already, renaming leaves both.
        drop(fs::remove_file(&new));
        placed
    }

    fn files(&self, package: &Arc<Package>, class: HardwareClass) -> JobFiles {
        JobFiles {
            folder: self.clone(),
            package: Arc::clone(package),
            class,
        }
    }

    /// Open the journal at its last good boundary; none where nothing on record is good. Reads that boundary's checkpoint: this blocks.
    ///
    /// # Errors
    /// The file system's, or the record was changed after it was written.
    pub(crate) fn open(&self, package: &Arc<Package>, class: HardwareClass) -> Result<Option<JobStart>, RunError> {
        match Journal::open(self.files(package, class))? {
            Opened::Good(start) => Ok(Some(start)),
            Opened::NothingGood(_) => Ok(None),
        }
    }

    /// Begin the journal at C0. This blocks.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn begin(&self, package: &Arc<Package>, class: HardwareClass) -> Result<JobStart, RunError> {
        let (entry, state) = initial_boundary(package);
        Journal::create(self.files(package, class), &entry, state)
    }

    /// Begin the journal at the boundary of a checkpoint that lies in [`JobFolder::start`] and was read from there. This blocks.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn begin_at(&self, package: &Arc<Package>, checkpoint: Checkpoint) -> Result<JobStart, RunError> {
        let files = self.files(package, checkpoint.class);
        Journal::create(files, &checkpoint.entry, checkpoint.buffers)
    }

    /// Segments whose checkpoint is on disk.
    pub(crate) fn on_disk(&self) -> BTreeSet<u64> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter_map(|name| name.strip_suffix(".baton")?.parse().ok()).collect()
    }
}

/// A job's folder as the files of a journal.
pub(crate) struct JobFiles {
    folder: JobFolder,
    package: Arc<Package>,
    class: HardwareClass,
}

impl Layout for JobFiles {
    type Line = Kept;
    const ROOT: Root = Root::Any;

    fn package(&self) -> &Package {
        &self.package
    }

    fn chain_path(&self) -> PathBuf {
        self.folder.chain_path()
    }

    fn state_at(&self, line: &Kept, is_first: bool) -> Result<Vec<StateBuffer>, RunError> {
        let segment = line.entry.segment;
        let path = match (is_first, segment) {
            (true, 0) => {
                let (entry, state) = initial_boundary(&self.package);
                return match entry == line.entry {
                    true => Ok(state),
                    false => Err(RunError::folder(&self.chain_path(), "line 1 is not this package's C0")),
                };
            }
            (true, _) => self.folder.start(),
            (false, _) => self.folder.checkpoint(segment),
        };
        let checkpoint = read_checkpoint(&path, &self.package)?;
        if checkpoint.entry != line.entry || checkpoint.class != self.class {
            let problem = format!(
                "is of boundary {} ({}), class {}; expected boundary {segment} ({}), class {}",
                checkpoint.entry.segment,
                checkpoint.entry.digest.short(),
                checkpoint.class,
                line.entry.digest.short(),
                self.class
            );
            return Err(RunError::folder(&path, problem));
        }
        Ok(checkpoint.buffers)
    }

    fn go_on(&mut self, _: &Kept, _: &[Placed<Kept>]) {}

    fn begin(&mut self, entry: &ChainEntry) -> Result<Kept, RunError> {
        Ok(Kept {
            entry: entry.clone(),
            ms: 0,
            blob: None,
            output_bytes: 0,
            non_finite: None,
            is_done: false,
            temperature: None,
        })
    }

    fn write(&mut self, computed: Computed) -> Result<Kept, RunError> {
        let Computed {
            entry,
            boundary,
            took,
            non_finite,
            is_done,
        } = computed;
        let segment = entry.segment;
        let output_bytes = boundary.outputs.iter().map(|bytes| bytes.len() as u64).sum();
        let temperature = temperature::of(&self.package, entry.step, &boundary.outputs);
        if !boundary.outputs.is_empty() {
            let path = self.folder.outputs(segment);
            let packed = protocol::outputs::pack([(segment, boundary.outputs)].into());
            let packed = packed.map_err(|error| RunError::folder(&path, format!("cannot be packed: {error}")))?;
            disk::replace(&path, &packed)?;
        }
        let checkpoint = Checkpoint {
            package: self.package.digest(),
            entry: entry.clone(),
            class: self.class,
            buffers: boundary.state,
        };
        let bytes = checkpoint.into_bytes();
        let bytes = bytes.map_err(|cause| RunError::Checkpoint { segment, cause })?;
        disk::replace(&self.folder.checkpoint(segment), &bytes)?;
        Ok(Kept {
            entry,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            blob: Some(Digest::of(&bytes)),
            output_bytes,
            non_finite,
            is_done,
            temperature,
        })
    }

    fn committed(&mut self, _: &Kept) -> Result<(), RunError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use device::SessionOptions;
    use kernels::run::{Control, Executor, Pilot, compute};
    use protocol::Tier;

    use super::*;

    const CLASS: HardwareClass = HardwareClass {
        tier: Tier::Portable,
        key: Digest([3; 32]),
    };

    /// Goes on to the end.
    struct Steady;

    impl Pilot for Steady {
        fn steer(&mut self, _: u64, _: u64) -> Control {
            Control::Continue
        }
    }

    fn package() -> Arc<Package> {
        let package = kernels::examples::load("ising").expect("a shipped example");
        let manifest = package.manifest().clone().with_steps_per_segment(4);
        Arc::new(package.with_manifest(manifest).expect("still a good package"))
    }

    /// Compute from a start to a boundary; what was put on record.
    fn go_on(package: &Arc<Package>, start: JobStart, until: u64) -> Result<Vec<Kept>, RunError> {
        let device = device::select("cpu").expect("the CPU device is always there");
        let mut executor = Executor::open(package, &*device, &SessionOptions::default())?;
        let mut reached = Vec::new();
        compute(&mut executor, start, until, false, &mut Steady, |kept| reached.push(kept))?;
        Ok(reached)
    }

    #[test]
    fn a_job_goes_on_from_its_last_whole_boundary_to_the_same_bits() {
        let place = tempfile::tempdir().unwrap();
        let folder = JobFolder::create(place.path()).unwrap();
        let package = package();
        let first = go_on(&package, folder.begin(&package, CLASS).unwrap(), 3).unwrap();
        assert_eq!(first.iter().map(|kept| kept.entry.segment).collect::<Vec<_>>(), [1, 2, 3]);
        // Torn by a crash: the last line, and the checkpoint before it.
        let chain = fs::read(folder.chain_path()).unwrap();
        fs::write(folder.chain_path(), &chain[..chain.len() - 9]).unwrap();
        fs::write(folder.checkpoint(2), b"torn").unwrap();
        let start = folder.open(&package, CLASS).unwrap().unwrap();
        assert_eq!(start.lines.len(), 2, "C0 and the first boundary");
        assert_eq!(start.journal.computes_again_until(), Some(2));
        let again = go_on(&package, start, 3).unwrap();
        let entries = |kept: &[Kept]| kept.iter().map(|kept| kept.entry.clone()).collect::<Vec<_>>();
        assert_eq!(entries(&again), entries(&first[1..]));
    }

    /// A boundary that was computed here is kept as a fetched file, while another job's fetch puts the same file in its place.
    #[test]
    fn a_file_is_whole_wherever_several_threads_put_it_in_one_place() {
        let place = tempfile::tempdir().unwrap();
        let folder = JobFolder::create(place.path()).unwrap();
        let [from, to] = ["from", "to"].map(|name| place.path().join(name));
        let bytes = vec![7; 1 << 20];
        fs::write(&from, &bytes).unwrap();
        folder.adopt(&from, &to).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..500).for_each(|_| folder.adopt(&from, &to).unwrap()));
            }
            (0..200).for_each(|_| assert!(fs::read(&to).unwrap() == bytes, "torn"));
        });
        assert!(fs::read(&from).unwrap() == bytes);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing is left lying about");
    }

    #[test]
    fn a_boundary_that_comes_out_different_a_second_time_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let folder = JobFolder::create(place.path()).unwrap();
        let package = package();
        go_on(&package, folder.begin(&package, CLASS).unwrap(), 2).unwrap();
        // As a machine with broken memory may have written it: consistent in itself, with another state.
        let mut lines: Vec<Kept> = folder.open(&package, CLASS).unwrap().unwrap().lines;
        let last = lines.pop().unwrap();
        let other = Digest::of(b"other");
        let before = &lines.last().unwrap().entry;
        let entry = ChainEntry::next(package.digest(), Some(before), last.entry.step, other, last.entry.outputs);
        lines.push(Kept { entry, ..last });
        let mut file = fs::File::create(folder.chain_path()).unwrap();
        for line in &lines {
            writeln!(file, "{}", serde_json::to_string(line).unwrap()).unwrap();
        }
        let start = folder.open(&package, CLASS).unwrap().unwrap();
        let ended = go_on(&package, start, 2);
        assert!(
            matches!(ended, Err(RunError::Diverged { segment: 2, .. })),
            "{:?}",
            ended.err()
        );
    }

    #[test]
    fn a_chain_that_was_changed_is_not_gone_on_with() {
        let place = tempfile::tempdir().unwrap();
        let folder = JobFolder::create(place.path()).unwrap();
        let package = package();
        go_on(&package, folder.begin(&package, CLASS).unwrap(), 2).unwrap();
        let text = fs::read_to_string(folder.chain_path()).unwrap();
        fs::write(folder.chain_path(), text.replacen("\"step\":4", "\"step\":5", 1)).unwrap();
        assert!(matches!(folder.open(&package, CLASS), Err(RunError::Altered { .. })));
    }
}

//! The run directory: what was asked for, the package, and the journal of what came out.
//!
//! One process works in it at a time (`lock`); others may look. An older checkpoint is deleted only when a newer boundary is committed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass, StateBuffer};
use serde::{Deserialize, Serialize};

use crate::package::Package;

use super::chain::{self, Line, Placed, Root};
use super::finite::NonFinite;
use super::journal::{Computed, Journal, Layout, Opened, Start};
use super::state::{initial_boundary, read_checkpoint};
use super::{RunError, disk, outputs};

const CONFIG_BYTES_MAX: u64 = 1 << 16;
/// Checkpoints that are kept where not all are: the newest, and one to go back to should it be damaged.
const KEPT_CHECKPOINTS: usize = 2;

/// `run.toml`: what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Segments of the whole run.
    pub segments: u64,
    /// A checkpoint is written at every so many boundaries, and at the last one.
    pub checkpoint_every: u64,
    /// Whether all checkpoints are kept, or the newest two.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_checkpoints: bool,
    /// Digest of the package; filled in by [`RunDir::create`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Digest>,
}

impl RunConfig {
    /// A run of so many segments with a checkpoint at each boundary, of which the newest two are kept.
    pub fn new(segments: u64) -> Self {
        Self {
            segments,
            checkpoint_every: 1,
            keep_checkpoints: false,
            package: None,
        }
    }

    fn check(&self, path: &Path) -> Result<(), RunError> {
        if self.segments == 0 || self.checkpoint_every == 0 {
            return Err(RunError::folder(path, "segments and checkpoint_every must be 1 or more"));
        }
        Ok(())
    }
}

/// A line of `chain.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLine {
    /// The boundary.
    #[serde(flatten)]
    pub entry: ChainEntry,
    /// Class of the device that computed it.
    pub class: HardwareClass,
    /// Length of each output file at this boundary, bytes.
    pub files: BTreeMap<String, u64>,
    /// The first value of state or outputs that is not finite, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub non_finite: Option<NonFinite>,
}

impl Line for ChainLine {
    fn entry(&self) -> &ChainEntry {
        &self.entry
    }
}

/// A run directory, locked for this process while the value lives.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    package: Package,
    config: RunConfig,
    /// Held for writing; absent in a directory that is only looked at.
    lock: Option<File>,
}

impl RunDir {
    /// Make a run directory in a place that is empty or not there.
    ///
    /// # Errors
    /// The place is taken, or the file system refuses.
    pub fn create(path: &Path, package: &Package, config: RunConfig) -> Result<Self, RunError> {
        if path.join("run.toml").exists() {
            return Err(RunError::folder(
                path,
                "is a run directory already: resume it, or choose another folder",
            ));
        }
        let taken = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if taken {
            return Err(RunError::folder(path, "is not empty: choose another folder"));
        }
        let config = RunConfig {
            package: Some(package.digest()),
            ..config
        };
        config.check(path)?;
        let checkpoints = path.join("checkpoints");
        fs::create_dir_all(&checkpoints).map_err(RunError::disk("create", &checkpoints))?;
        let lock = lock(path)?;
        package.save(&path.join("package"))?;
        let text = toml::to_string(&config).map_err(|error| RunError::folder(path, error.to_string()))?;
        disk::replace(&path.join("run.toml"), text.as_bytes())?;
        Ok(Self {
            path: path.to_owned(),
            package: package.clone(),
            config,
            lock: Some(lock),
        })
    }

    /// Open a run directory.
    ///
    /// # Errors
    /// It is not one, its package is not the one it was made with, or another process works in it.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let seen = Self::view(path)?;
        Ok(Self {
            lock: Some(lock(path)?),
            ..seen
        })
    }

    /// Look at a run directory, perhaps while another process works in it, or where nothing may be written.
    ///
    /// # Errors
    /// It is not one, or its package is not the one it was made with.
    pub fn view(path: &Path) -> Result<Self, RunError> {
        let file = path.join("run.toml");
        if !file.exists() {
            return Err(RunError::folder(path, "is not a run directory: it has no run.toml"));
        }
        let text = disk::read(&file, CONFIG_BYTES_MAX)?;
        let text = String::from_utf8(text).map_err(|_| RunError::folder(&file, "is not UTF-8"))?;
        let config: RunConfig = toml::from_str(&text).map_err(|error| RunError::folder(&file, error.to_string()))?;
        config.check(&file)?;
        let package = Package::load(&path.join("package"))?;
        if config.package != Some(package.digest()) {
            let made_with = config.package.map_or("none".to_owned(), |digest| digest.to_string());
            let problem = format!("holds package {}, but this run was made with {made_with}", package.digest());
            return Err(RunError::folder(&path.join("package"), problem));
        }
        Ok(Self {
            path: path.to_owned(),
            package,
            config,
            lock: None,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The package that is run.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// What was asked for.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Change the length of the run.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn set_segments(&mut self, segments: u64) -> Result<(), RunError> {
        let config = RunConfig {
            segments,
            ..self.config.clone()
        };
        let text = toml::to_string(&config).map_err(|error| RunError::folder(&self.path, error.to_string()))?;
        disk::replace(&self.path.join("run.toml"), text.as_bytes())?;
        self.config = config;
        Ok(())
    }

    /// The committed boundaries, oldest first. Each follows the one before.
    ///
    /// # Errors
    /// The file cannot be read, or was changed ([`RunError::Altered`]).
    pub fn chain(&self) -> Result<Vec<ChainLine>, RunError> {
        Ok(self.placed_chain()?.into_iter().map(|placed| placed.line).collect())
    }

    pub(super) fn placed_chain(&self) -> Result<Vec<Placed<ChainLine>>, RunError> {
        chain::read(&self.chain_path(), self.package.digest(), Root::Initial)
    }

    /// Where the record goes on: behind the last boundary whose checkpoint and output files are whole, or at C0. `until` is the last
    /// boundary to be computed, which keeps its checkpoint.
    pub(super) fn journal(&self, class: HardwareClass, force_class: bool, until: u64) -> Result<Start<RunFiles<'_>>, RunError> {
        if self.lock.is_none() {
            return Err(RunError::folder(&self.path, "was opened to be looked at: open it to run it"));
        }
        let chain = self.chain()?;
        let foreign = chain.iter().find(|line| line.entry.segment > 0 && line.class != class);
        if let Some(line) = foreign.filter(|_| !force_class) {
            return Err(RunError::Class {
                have: line.class,
                here: class,
            });
        }
        let layout = RunFiles {
            dir: self,
            class,
            until,
            files: BTreeMap::new(),
            checkpoints: Vec::new(),
        };
        let mut start = match Journal::open(layout)? {
            Opened::Good(start) => start,
            Opened::NothingGood(blank) => {
                let (entry, state) = initial_boundary(&self.package);
                blank.begin(&entry, state)?
            }
        };
        if force_class {
            start.journal.forget_recorded();
        }
        Ok(start)
    }

    /// Where the checkpoint of a boundary lies.
    pub fn checkpoint_path(&self, segment: u64) -> PathBuf {
        self.path.join("checkpoints").join(format!("{segment:010}.baton"))
    }

    /// A checkpoint file that fits this run's package.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_checkpoint(&self, path: &Path) -> Result<Checkpoint, RunError> {
        read_checkpoint(path, &self.package)
    }

    pub(super) fn chain_path(&self) -> PathBuf {
        self.path.join("chain.jsonl")
    }
}

/// A run directory as the files of a journal.
pub(super) struct RunFiles<'a> {
    dir: &'a RunDir,
    class: HardwareClass,
    until: u64,
    /// Length of each output file at the last boundary.
    files: BTreeMap<String, u64>,
    /// Segments whose checkpoint is on disk, oldest first.
    checkpoints: Vec<u64>,
}

impl Layout for RunFiles<'_> {
    type Line = ChainLine;
    const ROOT: Root = Root::Initial;

    fn package(&self) -> &Package {
        &self.dir.package
    }

    fn chain_path(&self) -> PathBuf {
        self.dir.chain_path()
    }

    fn state_at(&self, line: &ChainLine, _: bool) -> Result<Vec<StateBuffer>, RunError> {
        let package = &self.dir.package;
        for (name, &length) in &line.files {
            let file = self.dir.path.join(name);
            let found = fs::metadata(&file).map(|metadata| metadata.len()).unwrap_or(0);
            if !outputs::is_output_file(package, name) || found < length {
                return Err(RunError::folder(&file, format!("has {found} bytes, the chain says {length}")));
            }
        }
        if line.entry.segment == 0 {
            let (entry, state) = initial_boundary(package);
            return if entry == line.entry {
                Ok(state)
            } else {
                Err(RunError::folder(&self.dir.chain_path(), "line 1 is not this package's C0"))
            };
        }
        let path = self.dir.checkpoint_path(line.entry.segment);
        let checkpoint = read_checkpoint(&path, package)?;
        if checkpoint.entry != line.entry {
            return Err(RunError::folder(&path, "is whole, but of another run than the chain"));
        }
        Ok(checkpoint.buffers)
    }

    fn go_on(&mut self, line: &ChainLine, before: &[Placed<ChainLine>]) {
        let segments = before
            .iter()
            .map(|placed| placed.line.entry.segment)
            .chain([line.entry.segment]);
        let has_checkpoint = |segment: &u64| *segment > 0 && self.dir.checkpoint_path(*segment).exists();
        self.checkpoints = segments.filter(has_checkpoint).collect();
        self.files.clone_from(&line.files);
    }

    fn begin(&mut self, entry: &ChainEntry) -> Result<ChainLine, RunError> {
        self.files = outputs::begin(&self.dir.path, &self.dir.package)?;
        Ok(ChainLine {
            entry: entry.clone(),
            class: self.class,
            files: self.files.clone(),
            non_finite: None,
        })
    }

    fn write(&mut self, computed: Computed) -> Result<ChainLine, RunError> {
        let Computed {
            entry,
            boundary,
            non_finite,
            is_done,
            ..
        } = computed;
        let RunDir {
            path, package, config, ..
        } = self.dir;
        outputs::append(path, package, &boundary, &mut self.files)?;
        let segment = entry.segment;
        if segment.is_multiple_of(config.checkpoint_every) || segment >= self.until || is_done {
            let checkpoint = Checkpoint {
                package: package.digest(),
                entry: entry.clone(),
                class: self.class,
                buffers: boundary.state,
            };
            let bytes = checkpoint.into_bytes();
            let bytes = bytes.map_err(|cause| RunError::Checkpoint { segment, cause })?;
            disk::replace(&self.dir.checkpoint_path(segment), &bytes)?;
            self.checkpoints.retain(|kept| *kept != segment);
            self.checkpoints.push(segment);
        }
        Ok(ChainLine {
            entry,
            class: self.class,
            files: self.files.clone(),
            non_finite,
        })
    }

    fn committed(&mut self, line: &ChainLine) -> Result<(), RunError> {
        let has_checkpoint = self.checkpoints.last() == Some(&line.entry.segment);
        if self.dir.config.keep_checkpoints || !has_checkpoint {
            return Ok(());
        }
        while self.checkpoints.len() > KEPT_CHECKPOINTS {
            let path = self.dir.checkpoint_path(self.checkpoints.remove(0));
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

fn lock(path: &Path) -> Result<File, RunError> {
    let file = path.join("lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&file)
        .map_err(RunError::disk("open", &file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(RunError::folder(path, "another process is working in it")),
        Err(TryLockError::Error(cause)) => Err(RunError::Disk {
            action: "lock",
            path: file,
            cause,
        }),
    }
}

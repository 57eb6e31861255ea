//! The run directory: what is on disk, and what of it is good.
//!
//! A line of `chain.jsonl` commits a boundary: it is written after everything it speaks of. What a crash left behind the last line is cut
//! off before anything is appended. An older checkpoint is deleted only when a newer boundary is committed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use protocol::checkpoint::content_digest;
use protocol::{ChainEntry, Checkpoint, Digest, HardwareClass, StateBuffer};
use serde::{Deserialize, Serialize};

use crate::package::Package;

use super::executor::initial_state;
use super::{RunError, disk, frames};

const CONFIG_BYTES_MAX: u64 = 1 << 16;
const CHAIN_BYTES_MAX: u64 = 1 << 30;
/// Room for a checkpoint's header, digests and incompressible payloads beside the state itself.
const CHECKPOINT_SLACK_BYTES: u64 = 1 << 21;

/// `run.toml`: what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Segments of the whole run.
    pub segments: u64,
    /// A checkpoint is kept at every so many boundaries, and at the last one.
    pub checkpoint_every: u64,
    /// Digest of the package; filled in by [`RunDir::create`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Digest>,
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

/// Where a run goes on.
pub(super) struct Start {
    pub(super) entry: ChainEntry,
    pub(super) state: Vec<StateBuffer>,
    pub(super) files: BTreeMap<String, u64>,
    /// Length of `chain.jsonl` up to and including this boundary; 0 when even C0 has no line yet.
    pub(super) chain_bytes: u64,
    /// Digests on record for boundaries after this one: they have to come out again.
    pub(super) recorded: BTreeMap<u64, Digest>,
    /// The boundaries before this one that still have a checkpoint.
    pub(super) kept: Vec<u64>,
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
        if config.segments == 0 || config.checkpoint_every == 0 {
            return Err(RunError::folder(path, "segments and checkpoint_every must be 1 or more"));
        }
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
        if config.segments == 0 || config.checkpoint_every == 0 {
            return Err(RunError::folder(&file, "segments and checkpoint_every must be 1 or more"));
        }
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
    /// The file cannot be read.
    pub fn chain(&self) -> Result<Vec<ChainLine>, RunError> {
        Ok(self.chain_with_ends()?.into_iter().map(|(line, _)| line).collect())
    }

    /// Chain lines, each with the offset behind it. A torn or foreign line ends the chain.
    fn chain_with_ends(&self) -> Result<Vec<(ChainLine, u64)>, RunError> {
        let path = self.chain_path();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let bytes = disk::read(&path, CHAIN_BYTES_MAX)?;
        let mut lines: Vec<(ChainLine, u64)> = Vec::new();
        let mut end = 0;
        for text in bytes.split_inclusive(|&byte| byte == b'\n') {
            let line = text
                .strip_suffix(b"\n")
                .and_then(|text| serde_json::from_slice::<ChainLine>(text).ok());
            let before = lines.last().map(|(line, _)| &line.entry);
            let Some(line) = line.filter(|line| line.entry.follows(self.package.digest(), before)) else {
                tracing::warn!(
                    "{}: line {} is torn or does not follow; the chain ends before it",
                    path.display(),
                    lines.len() + 1
                );
                break;
            };
            end += text.len() as u64;
            lines.push((line, end));
        }
        Ok(lines)
    }

    /// The last chain line, with the offset behind it.
    pub(super) fn last_line(&self) -> Result<Option<(ChainLine, u64)>, RunError> {
        Ok(self.chain_with_ends()?.pop())
    }

    /// Append a line to the chain behind `chain_bytes`: this commits a boundary. The new length.
    pub(super) fn append_line(&self, line: &ChainLine, chain_bytes: u64) -> Result<u64, RunError> {
        let path = self.chain_path();
        let mut text = serde_json::to_vec(line).map_err(|error| RunError::folder(&path, error.to_string()))?;
        text.push(b'\n');
        let end = disk::append(&path, chain_bytes, &text)?;
        disk::sync_parent(&path)?;
        Ok(end)
    }

    /// The last boundary whose checkpoint and output files are whole; C0 if there is none.
    pub(super) fn last_good(&self, class: HardwareClass, force_class: bool) -> Result<Start, RunError> {
        if self.lock.is_none() {
            return Err(RunError::folder(&self.path, "was opened to be looked at: open it to run it"));
        }
        let mut lines = self.chain_with_ends()?;
        let foreign = lines
            .iter()
            .map(|(line, _)| line)
            .find(|line| line.entry.segment > 0 && line.class != class);
        if let Some(line) = foreign.filter(|_| !force_class) {
            return Err(RunError::Class {
                have: line.class,
                here: class,
            });
        }
        let mut recorded = BTreeMap::new();
        while let Some((line, chain_bytes)) = lines.pop() {
            match self.state_at(&line) {
                Ok(state) => {
                    let kept = lines.iter().map(|(line, _)| line.entry.segment);
                    let kept = kept.filter(|&segment| self.checkpoint_path(segment).exists()).collect();
                    let recorded = if force_class { BTreeMap::new() } else { recorded };
                    return Ok(Start {
                        entry: line.entry,
                        state,
                        files: line.files,
                        chain_bytes,
                        recorded,
                        kept,
                    });
                }
                Err(problem) => {
                    tracing::debug!("boundary {} cannot be continued from: {problem}", line.entry.segment);
                    if self.checkpoint_path(line.entry.segment).exists() {
                        tracing::warn!("{problem}; going back to an older boundary");
                    }
                    recorded.insert(line.entry.segment, line.entry.digest);
                }
            }
        }
        let state = initial_state(&self.package);
        let none = frames::outputs_digest(&vec![Vec::new(); self.package.manifest().outputs.len()]);
        let entry = ChainEntry::next(self.package.digest(), None, 0, content_digest(&state), none);
        Ok(Start {
            entry,
            state,
            files: BTreeMap::new(),
            chain_bytes: 0,
            recorded,
            kept: Vec::new(),
        })
    }

    /// The state at a committed boundary, when everything that the line speaks of is there and whole.
    fn state_at(&self, line: &ChainLine) -> Result<Vec<StateBuffer>, RunError> {
        for (name, &length) in &line.files {
            let file = self.path.join(name);
            let found = fs::metadata(&file).map(|metadata| metadata.len()).unwrap_or(0);
            if !frames::is_output_file(&self.package, name) || found < length {
                return Err(RunError::folder(&file, format!("has {found} bytes, the chain says {length}")));
            }
        }
        if line.entry.segment == 0 {
            let state = initial_state(&self.package);
            let same = content_digest(&state) == line.entry.content;
            return if same {
                Ok(state)
            } else {
                Err(RunError::folder(&self.chain_path(), "C0 is not this package's"))
            };
        }
        let path = self.checkpoint_path(line.entry.segment);
        let checkpoint = self.read_checkpoint(&path)?;
        if checkpoint.entry != line.entry {
            return Err(RunError::folder(&path, "is whole, but of another run than the chain"));
        }
        Ok(checkpoint.buffers)
    }

    /// A checkpoint file that fits this run's package.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_checkpoint(&self, path: &Path) -> Result<Checkpoint, RunError> {
        let initial = initial_state(&self.package);
        let state_bytes: u64 = initial.iter().map(|buffer| buffer.bytes.len() as u64).sum();
        let bytes = disk::read(path, state_bytes + state_bytes / 64 + CHECKPOINT_SLACK_BYTES)?;
        let checkpoint =
            Checkpoint::from_bytes(&bytes, state_bytes).map_err(|error| RunError::folder(path, error.to_string()))?;
        let same = |(a, b): (&StateBuffer, &StateBuffer)| (&a.name, a.element, &a.shape) == (&b.name, b.element, &b.shape);
        let fits = checkpoint.buffers.len() == initial.len() && checkpoint.buffers.iter().zip(&initial).all(same);
        if checkpoint.package != self.package.digest() || !fits {
            return Err(RunError::folder(
                path,
                format!("is of package {}, not of this run's", checkpoint.package),
            ));
        }
        Ok(checkpoint)
    }

    /// Where the checkpoint of a boundary lies.
    pub fn checkpoint_path(&self, segment: u64) -> PathBuf {
        self.path.join("checkpoints").join(format!("{segment:010}.baton"))
    }

    pub(super) fn chain_path(&self) -> PathBuf {
        self.path.join("chain.jsonl")
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
        Err(TryLockError::Error(source)) => Err(RunError::Disk {
            action: "lock",
            path: file,
            source,
        }),
    }
}

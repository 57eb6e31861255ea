//! An array's folder: `array.json` says which runs there are, `package/` holds the package that they are made of, and each run has a folder of its own.
//!
//! Invariant: `array.json` is written before any run begins, and replaced whole.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use kernels::package::{Package, Values};
use kernels::run::{RunConfig, RunDir};
use protocol::{Digest, HardwareClass};
use serde::{Deserialize, Serialize};

use super::choice::RUNS_MAX;
use crate::commands::resume::class_of;
use crate::console::output;

/// Name of the array's record.
const RECORD: &str = "array.json";
/// Bytes of it.
const RECORD_BYTES_MAX: u64 = 64 << 20;
/// Folder of the package.
const PACKAGE: &str = "package";

/// A run of an array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// Name of its folder.
    pub(crate) run: String,
    /// What is set of the array's package.
    pub(crate) settings: Values,
    /// Identity of the package with these values.
    pub(crate) package: Digest,
}

/// `array.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    format: u32,
    /// Identity of the array's package.
    package: Digest,
    /// Segments of each run.
    pub(crate) segments: u64,
    /// As `baton run --checkpoint-every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint_every: Option<u64>,
    /// The runs, in the order in which they begin.
    pub(crate) runs: Vec<Run>,
}

/// An array's folder.
#[derive(Debug)]
pub(crate) struct ArrayDir {
    path: PathBuf,
    package: Package,
    record: Record,
}

/// Whether a folder is an array's.
pub(crate) fn is_array(path: &Path) -> bool {
    path.join(RECORD).is_file()
}

/// Folder of the run at an index, counted from 0.
pub(crate) fn run_name(index: usize) -> String {
    format!("{:04}", index + 1)
}

impl ArrayDir {
    /// Make the folder; every run's package is made once, so that none is refused after hours.
    ///
    /// # Errors
    /// A run's values do not fit the package, or the file system refuses.
    pub(crate) fn create(
        path: &Path,
        package: &Package,
        values: Vec<Values>,
        segments: u64,
        checkpoint_every: Option<u64>,
    ) -> anyhow::Result<Self> {
        let mut runs = Vec::with_capacity(values.len());
        for (index, settings) in values.into_iter().enumerate() {
            let package = package.with_settings(&settings)?.digest();
            let run = run_name(index);
            runs.push(Run { run, settings, package });
        }
        let record = Record {
            format: 1,
            package: package.digest(),
            segments,
            checkpoint_every,
            runs,
        };
        let array = Self {
            path: path.to_owned(),
            package: package.clone(),
            record,
        };
        package.save(&path.join(PACKAGE))?;
        array.write()?;
        Ok(array)
    }

    /// Open a folder that was made before, here or elsewhere.
    ///
    /// # Errors
    /// It is not an array's, or something in it is not what was written.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = path.join(RECORD);
        let at = file.display();
        let mut text = String::new();
        let opened = std::fs::File::open(&file).with_context(|| format!("cannot open {at}"))?;
        let read = opened.take(RECORD_BYTES_MAX + 1).read_to_string(&mut text);
        read.with_context(|| format!("cannot read {at}"))?;
        if text.len() as u64 > RECORD_BYTES_MAX {
            bail!("{at}: found more than {RECORD_BYTES_MAX} bytes: this is no array's record");
        }
        let record: Record = serde_json::from_str(&text).with_context(|| at.to_string())?;
        if record.format != 1 {
            bail!("{at}: format: found {}, expected 1", record.format);
        }
        if record.runs.len() as u64 > RUNS_MAX {
            bail!("{at}: runs: found {}, expected at most {RUNS_MAX}", record.runs.len());
        }
        for (index, run) in record.runs.iter().enumerate() {
            if run.run != run_name(index) {
                let (found, expected) = (run.run.escape_debug(), run_name(index));
                bail!("{at}: runs: found the folder '{found}', expected '{expected}'");
            }
        }
        let package = Package::load(&path.join(PACKAGE))?;
        if package.digest() != record.package {
            bail!(
                "{at}: package: found {} in {PACKAGE}/, expected {}",
                package.digest(),
                record.package
            );
        }
        Ok(Self {
            path: path.to_owned(),
            package,
            record,
        })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The package that the runs' packages are made of.
    pub(crate) fn package(&self) -> &Package {
        &self.package
    }

    /// What was asked for.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Folder of a run.
    pub(crate) fn path_of(&self, run: &Run) -> PathBuf {
        self.path.join(&run.run)
    }

    /// Ask for other segments of every run.
    ///
    /// # Errors
    /// The file system refuses.
    pub(crate) fn set_segments(&mut self, segments: u64) -> anyhow::Result<()> {
        self.record.segments = segments;
        self.write()
    }

    /// A run's directory, made where it was not begun.
    ///
    /// # Errors
    /// Its package is not what the record says, another process works in it, or the file system refuses.
    pub(crate) fn begin(&self, run: &Run) -> anyhow::Result<RunDir> {
        let path = self.path_of(run);
        let config = RunConfig {
            checkpoint_every: self.record.checkpoint_every.unwrap_or(1),
            keep_checkpoints: self.record.checkpoint_every.is_some(),
            ..RunConfig::new(self.record.segments)
        };
        let package = self.package.with_settings(&run.settings)?;
        let differs = |found: Digest| {
            anyhow::anyhow!(
                "{}: found package {found}, expected {}, which {RECORD} names: one of them was changed",
                path.display(),
                run.package
            )
        };
        if package.digest() != run.package {
            return Err(differs(package.digest()));
        }
        let mut dir = if path.join("run.toml").is_file() {
            RunDir::open(&path)?
        } else {
            RunDir::create(&path, &package, config)?
        };
        if dir.package().digest() != run.package {
            return Err(differs(dir.package().digest()));
        }
        if self.record.segments > dir.config().segments {
            dir.set_segments(self.record.segments)?;
        }
        Ok(dir)
    }

    /// The hardware class of the first run that has one: each run stays with its own.
    ///
    /// # Errors
    /// A chain is not what was written.
    pub(crate) fn class(&self) -> anyhow::Result<Option<HardwareClass>> {
        for run in &self.record.runs {
            let path = self.path_of(run);
            if path.join("run.toml").is_file() {
                let chain = RunDir::view(&path)?.chain()?;
                if let Some(class) = class_of(&chain) {
                    return Ok(Some(class));
                }
            }
        }
        Ok(None)
    }

    fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.record)?;
        output::file(&self.path.join(RECORD), |out| Ok(writeln!(out, "{text}")?))
    }
}

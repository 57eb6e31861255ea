//! A machine's devices as one file that can be sent to a project: what each is, what probes found, which checks it passed, and a first figure of its
//! speed.
//!
//! | module | owns |
//! |---|---|
//! | `table` | surveys side by side, as a table for a document |
//!
//! Invariants: nothing in a survey names its machine, its owner or a path. A survey from elsewhere is limited, parsed, and its format checked before it
//! is used; its texts reach a document through one door.

mod table;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::{Executor, initial_state};
use protocol::Tier;
use serde::{Deserialize, Serialize};

pub use table::table;

use crate::Fingerprint;
use crate::conformance::{self, ConformanceReport, Settings};

/// Format of the file.
pub const FORMAT: u32 = 1;
/// Bytes of a file that is read, at most.
const BYTES_MAX: u64 = 16 << 20;
/// Devices of a survey, and checks on them, at most.
const DEVICES_MAX: usize = 64;
const CELLS_MAX: usize = 16_384;

/// What was found on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// [`FORMAT`].
    pub format: u32,
    /// Operating system and processor architecture: `linux`, `x86_64`.
    pub system: String,
    /// See above.
    pub architecture: String,
    /// Threads that the processor runs at once.
    pub threads: usize,
    /// Every check on every device; also who each device says it is.
    pub conformance: ConformanceReport,
    /// In the order of `conformance.devices`.
    pub devices: Vec<Surveyed>,
}

/// What was measured of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surveyed {
    /// Its id on this machine.
    pub id: String,
    /// Every probe under strict compilation; none where the device failed while it was probed.
    pub portable: Option<Fingerprint>,
    /// Every probe under stock compilation, likewise.
    pub class_bound: Option<Fingerprint>,
    /// Speed on each package, as far as it runs.
    pub speed: Vec<Speed>,
}

/// How fast a device runs a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// The package.
    pub package: String,
    /// Steps per second of one reading, its boundary included.
    pub steps_per_second: f64,
}

impl Survey {
    /// Look at devices: probes in both tiers, every check with `packages`, and the speed of each package for about `seconds` on each device.
    ///
    /// # Errors
    /// A package does not run on the built-in CPU device.
    pub fn make(
        devices: &[Arc<dyn Device>],
        packages: &[Package],
        settings: &Settings,
        seconds: f64,
        tell: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Self> {
        let conformance = conformance::conformance(devices, packages, settings, tell)?;
        let surveyed = devices.iter().map(|device| {
            let id = device.info().id.clone();
            tell(&format!("{id}: speed"));
            let fingerprint = |tier| crate::fingerprint(&**device, tier).ok();
            Surveyed {
                portable: fingerprint(Tier::Portable),
                class_bound: fingerprint(Tier::ClassBound),
                speed: packages
                    .iter()
                    .filter_map(|package| speed(&**device, package, seconds).ok())
                    .collect(),
                id,
            }
        });
        Ok(Self {
            format: FORMAT,
            system: std::env::consts::OS.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            devices: surveyed.collect(),
            conformance,
        })
    }

    /// Read a survey from a file.
    ///
    /// # Errors
    /// The file cannot be read, is too large, is none, or has a format of another version.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let mut bytes = Vec::new();
        let file = fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
        file.take(BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {name}"))?;
        anyhow::ensure!(
            bytes.len() as u64 <= BYTES_MAX,
            "{name}: more than {BYTES_MAX} bytes are no survey"
        );
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head =
            serde_json::from_slice(&bytes).with_context(|| format!("{name} is no survey (`fpcheck report` makes one)"))?;
        anyhow::ensure!(
            head.format == FORMAT,
            "{name}: format {} is not known here, only {FORMAT}; use an fpcheck of the same age",
            head.format
        );
        let survey: Self = serde_json::from_slice(&bytes)
            .with_context(|| format!("{name}: a survey of format {FORMAT} with wrong content"))?;
        let ids = |survey: &Self| survey.devices.iter().map(|device| device.id.clone()).collect::<Vec<_>>();
        let known: Vec<String> = survey.conformance.devices.iter().map(|device| device.id.clone()).collect();
        anyhow::ensure!(
            survey.devices.len() <= DEVICES_MAX && survey.conformance.cells.len() <= CELLS_MAX,
            "{name}: more than {DEVICES_MAX} devices or {CELLS_MAX} checks"
        );
        anyhow::ensure!(
            ids(&survey) == known,
            "{name}: `devices` and `conformance.devices` are not of the same devices"
        );
        Ok(survey)
    }
}

/// Steps per second: segments until the time is over, the first left out, since it warms up.
fn speed(device: &dyn Device, package: &Package, seconds: f64) -> anyhow::Result<Speed> {
    let manifest = package.manifest();
    let mut executor = Executor::open(package, device, &SessionOptions::default())?;
    executor.enter(0, &initial_state(package))?;
    executor.advance(u64::MAX)?;
    executor.cross()?;
    let (start, mut segments) = (Instant::now(), 0_u64);
    while segments == 0 || start.elapsed().as_secs_f64() < seconds {
        executor.advance(u64::MAX)?;
        executor.cross()?;
        segments += 1;
    }
    let steps = segments as f64 * manifest.run.steps_per_segment as f64;
    Ok(Speed {
        package: manifest.name.clone(),
        steps_per_second: (steps / start.elapsed().as_secs_f64()).round(),
    })
}

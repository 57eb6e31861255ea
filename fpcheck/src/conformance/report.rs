//! What the checks found, as data and as lines for a terminal.

use device::{DeviceError, DeviceInfo};
use serde::{Deserialize, Serialize};

use super::{CHECKS, Settings};
use crate::Fingerprint;

/// How a check ended on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It could not be made, or does not apply.
    Absent,
}

/// One check on one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Id of the device.
    pub device: String,
    /// Name of the check.
    pub check: String,
    /// The package, for checks that run one.
    pub package: Option<String>,
    /// Steps of the package that were covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What is to be said of it.
    pub words: String,
    /// How long it took, seconds.
    pub seconds: f64,
}

/// A device that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceResults {
    /// Its id on this machine.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Driver with version.
    pub driver: String,
    /// Compilers with versions.
    pub compiler: String,
    /// Key of its portable class.
    pub portable_class: Option<String>,
    /// Key of its class-bound class.
    pub class_bound_class: Option<String>,
    /// What it does otherwise under strict compilation, in words.
    pub strict: Vec<String>,
    /// What it does otherwise under stock compilation, in words.
    pub stock: Vec<String>,
}

impl DeviceResults {
    pub(super) fn new(info: &DeviceInfo, measured: &[Result<Fingerprint, DeviceError>; 2]) -> Self {
        let class = |at: usize| measured[at].as_ref().ok().and_then(Fingerprint::class);
        let words = |at: usize| match &measured[at] {
            Ok(fingerprint) if fingerprint.refused.is_some() => fingerprint.obstacles(),
            Ok(fingerprint) => fingerprint.peculiarities(),
            Err(error) => vec![format!("could not be probed: {error}")],
        };
        Self {
            id: info.id.clone(),
            name: info.name.clone(),
            driver: info.driver.clone(),
            compiler: info.compiler.clone(),
            portable_class: class(0).map(|class| class.key.to_string()),
            class_bound_class: class(1).map(|class| class.key.to_string()),
            strict: words(0),
            stock: words(1),
        }
    }
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConformanceReport {
    /// Baton's version.
    pub version: String,
    /// Steps that were asked for of each golden kernel; what was covered stands with each check.
    pub steps: u64,
    /// Repeats of each probe.
    pub repeats: usize,
    /// Random orders of hops and workgroups.
    pub orders: usize,
    /// The devices.
    pub devices: Vec<DeviceResults>,
    /// Every check on every device.
    pub cells: Vec<Cell>,
}

impl ConformanceReport {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            steps: settings.steps,
            repeats: settings.repeats,
            orders: settings.orders,
            devices: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Whether no check failed, and some were passed.
    pub fn passed(&self) -> bool {
        let any = |outcome| self.cells.iter().any(|cell| cell.outcome == outcome);
        !any(Outcome::Failed) && any(Outcome::Passed)
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| cell.outcome == Outcome::Failed)
    }

    /// The rows of the matrix: check and package, in the order in which they were made.
    pub fn rows(&self) -> Vec<(&str, Option<&str>)> {
        let mut rows: Vec<(&str, Option<&str>)> = Vec::new();
        for cell in &self.cells {
            let row = (cell.check.as_str(), cell.package.as_deref());
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows.sort_by_key(|(check, _)| CHECKS.iter().position(|(known, _)| known == check));
        rows
    }

    /// Steps that a row's checks cover.
    pub(super) fn steps_of(&self, row: (&str, Option<&str>)) -> Option<u64> {
        let is = |cell: &&Cell| (cell.check.as_str(), cell.package.as_deref()) == row;
        self.cells.iter().find(is)?.steps
    }

    /// The cell of a row and a device.
    pub fn cell(&self, row: (&str, Option<&str>), device: &str) -> Option<&Cell> {
        let is = |cell: &&Cell| (cell.check.as_str(), cell.package.as_deref()) == row && cell.device == device;
        self.cells.iter().find(is)
    }

    /// For a terminal: the matrix, then what failed, then what each device does differently.
    pub fn lines(&self) -> Vec<String> {
        let title = |(check, package): (&str, Option<&str>)| match (package, self.steps_of((check, package))) {
            (Some(package), Some(steps)) => format!("{check} {package}, {steps} steps"),
            (Some(package), None) => format!("{check} {package}"),
            (None, _) => check.to_owned(),
        };
        let rows = self.rows();
        let wide = rows.iter().map(|row| title(*row).len()).max().unwrap_or(0);
        let mut header = format!("{:wide$}", "");
        for device in &self.devices {
            header.push_str(&format!("  {:>8}", device.id));
        }
        let mut lines = vec![header];
        for row in rows {
            let mut line = format!("{:wide$}", title(row));
            for device in &self.devices {
                let mark = match self.cell(row, &device.id).map(|cell| cell.outcome) {
                    Some(Outcome::Passed) => "ok",
                    Some(Outcome::Failed) => "FAILED",
                    Some(Outcome::Absent) | None => "-",
                };
                line.push_str(&format!("  {mark:>8}"));
            }
            lines.push(line);
        }
        for cell in self.failures() {
            let row = title((&cell.check, cell.package.as_deref()));
            lines.push(format!("FAILED {row} on {}: {}", cell.device, cell.words));
        }
        for device in &self.devices {
            let of = |class: &Option<String>| class.as_ref().map_or("none".to_owned(), |key| key[..12].to_owned());
            lines.push(format!(
                "{}: {} ({}), portable class {}, class-bound class {}",
                device.id,
                device.name,
                device.driver,
                of(&device.portable_class),
                of(&device.class_bound_class)
            ));
            lines.extend(device.strict.iter().map(|words| format!("  strict  {words}")));
            lines.extend(device.stock.iter().map(|words| format!("  stock   {words}")));
        }
        lines
    }
}

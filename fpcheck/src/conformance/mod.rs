//! The conformance suite: probes, golden kernels and every way of cutting a run, on every device, with one chain to come out.
//!
//! | module | owns |
//! |---|---|
//! | `walk` | a package from boundary to boundary, on one device or many in turn |
//! | `checks` | the checks |
//! | `library` | the one over the exact library |
//! | [`report`](ConformanceReport) | what they found |
//! | `page` | the report as a web page |
//!
//! Invariant: a check that could not be made is not passed; it is absent, with the reason in words.

mod checks;
mod library;
mod page;
mod report;
mod walk;

use std::sync::Arc;
use std::time::Instant;

use device::{Device, DeviceKind};
use kernels::package::Package;
use kernels::run::RunError;
use protocol::Tier;

pub use page::page;
pub use report::{Cell, ConformanceReport, DeviceResults, Outcome};

use crate::Fingerprint;
use checks::{Golden, outcome};

/// How much is done.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Steps of each golden kernel.
    pub steps: u64,
    /// How often each probe is repeated.
    pub repeats: usize,
    /// Random orders of hops, and of workgroups.
    pub orders: usize,
    /// Cases of a probe in the deep look, and operands of each function of the exact library; a multiple of 256.
    pub cases: usize,
    /// Names of the checks to make; all where empty.
    pub only: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            steps: 1000,
            repeats: 100,
            orders: 20,
            cases: 1 << 20,
            only: Vec::new(),
        }
    }
}

/// Checks by name, with what each shows.
pub const CHECKS: &[(&str, &str)] = &[
    (
        "probes",
        "probes under strict compilation give what the portable tier demands",
    ),
    ("deep", "+ - *, fusion, folding and integers over many more cases"),
    (
        "library",
        "division, roots and elementary functions over operands strided through all floats",
    ),
    ("repeats", "each probe again and again gives the same bits"),
    ("golden", "a package's chain is that of the built-in CPU device"),
    (
        "interruptions",
        "interrupted at every boundary and continued from checkpoints, the chain is the same",
    ),
    ("submits", "one command a submit or all at once, the chain is the same"),
    ("pipelines", "compiled anew or taken from a cache, the chain is the same"),
    (
        "orders",
        "workgroups in any order on any number of threads, the chain is the same",
    ),
    ("checked", "no race, no stray access, no subnormal, infinity or NaN"),
    ("hops", "another device after every boundary, the chain is the same"),
];

impl Settings {
    fn wants(&self, check: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == check)
    }
}

/// Make the checks. `tell` hears what is being done.
///
/// # Errors
/// A package does not run on the built-in CPU device, so that there is nothing to hold others against.
pub fn conformance(
    devices: &[Arc<dyn Device>],
    packages: &[Package],
    settings: &Settings,
    tell: &mut dyn FnMut(&str),
) -> Result<ConformanceReport, RunError> {
    let reference = crate::reference();
    let mut report = ConformanceReport::new(settings);
    let mut admitted: Vec<bool> = Vec::new();
    for device in devices {
        tell(&format!("{}: probes", device.info().id));
        let measured = [Tier::Portable, Tier::ClassBound].map(|tier| Fingerprint::measure(&**device, tier));
        admitted.push(measured[0].as_ref().is_ok_and(|strict| strict.class().is_some()));
        report.devices.push(DeviceResults::new(device.info(), &measured));
        let mut cell = Cells {
            report: &mut report,
            device: &device.info().id,
            settings,
        };
        cell.add("probes", None, || match &measured[0] {
            Ok(strict) => checks::probes(strict),
            Err(error) => (Outcome::Failed, error.to_string()),
        });
        let in_tier = admitted.last() == Some(&true);
        cell.add("deep", None, || match in_tier {
            true => outcome(checks::deep(&**device, &*reference, settings)),
            false => (Outcome::Absent, "not in the portable tier".to_owned()),
        });
        cell.add("library", None, || match in_tier {
            true => outcome(library::library(&**device, &*reference, settings.cases)),
            false => (Outcome::Absent, "not in the portable tier".to_owned()),
        });
        let tier = if in_tier { Tier::Portable } else { Tier::ClassBound };
        cell.add("repeats", None, || outcome(checks::repeats(&**device, tier, settings)));
    }
    for package in packages {
        let manifest = package.manifest();
        tell(&format!("{}: reference chain", manifest.name));
        let golden = Golden::new(package, settings.steps, &*reference)?;
        let portable = manifest.tier == Tier::Portable;
        for (device, &admitted) in devices.iter().zip(&admitted) {
            tell(&format!("{} on {}", manifest.name, device.info().id));
            let mut cells = Cells {
                report: &mut report,
                device: &device.info().id,
                settings,
            };
            cells.golden(&golden, &**device, admitted || !portable);
        }
        if settings.wants("hops") {
            tell(&format!("{}: hops", manifest.name));
            hops(&mut report, &golden, devices, &admitted, settings);
        }
    }
    Ok(report)
}

/// One check for all devices together; its words stand with each that took part.
fn hops(report: &mut ConformanceReport, golden: &Golden, devices: &[Arc<dyn Device>], admitted: &[bool], settings: &Settings) {
    let portable = golden.package.manifest().tier == Tier::Portable;
    let taking_part = |at: usize| portable && admitted[at];
    let among: Vec<&dyn Device> = (0..devices.len())
        .filter(|&at| taking_part(at))
        .map(|at| &*devices[at])
        .collect();
    let start = Instant::now();
    let found = (among.len() > 1).then(|| outcome(golden.hops(&among, settings)));
    let seconds = start.elapsed().as_secs_f64();
    for (at, device) in devices.iter().enumerate() {
        let (outcome, words) = match &found {
            Some(found) if taking_part(at) => found.clone(),
            _ if !portable => (Outcome::Absent, "a class-bound package stays in its class".to_owned()),
            _ if !admitted[at] => (Outcome::Absent, "not in the portable tier".to_owned()),
            _ => (Outcome::Absent, "no other device of the portable tier here".to_owned()),
        };
        let seconds = if taking_part(at) { seconds } else { 0.0 };
        report.cells.push(Cell {
            device: device.info().id.clone(),
            check: "hops".to_owned(),
            package: Some(golden.package.manifest().name.clone()),
            steps: Some(golden.steps()),
            outcome,
            words,
            seconds,
        });
    }
}

/// A device's column of the report.
struct Cells<'a> {
    report: &'a mut ConformanceReport,
    device: &'a str,
    settings: &'a Settings,
}

impl Cells<'_> {
    /// Make a check, of a package over so many steps or of the device alone.
    fn add(&mut self, check: &str, package: Option<(&str, u64)>, make: impl FnOnce() -> (Outcome, String)) {
        debug_assert!(CHECKS.iter().any(|(known, _)| *known == check), "{check} is in the table");
        if !self.settings.wants(check) {
            return;
        }
        let start = Instant::now();
        let (outcome, words) = make();
        self.report.cells.push(Cell {
            device: self.device.to_owned(),
            check: check.to_owned(),
            package: package.map(|(name, _)| name.to_owned()),
            steps: package.map(|(_, steps)| steps),
            outcome,
            words,
            seconds: start.elapsed().as_secs_f64(),
        });
    }

    fn golden(&mut self, golden: &Golden, device: &dyn Device, in_tier: bool) {
        let about = Some((golden.package.manifest().name.as_str(), golden.steps()));
        let settings = self.settings;
        let absent = || (Outcome::Absent, "not in the portable tier".to_owned());
        let mut chain = None;
        self.add("golden", about, || {
            if !in_tier {
                return absent();
            }
            let (answer, found) = golden.chain(device);
            chain = found;
            outcome(answer)
        });
        // What follows holds a device against itself, so that each check names its own fault alone.
        let against_itself = ["interruptions", "submits", "pipelines", "orders"];
        if in_tier && !settings.wants("golden") && against_itself.iter().any(|check| settings.wants(check)) {
            chain = golden.chain(device).1;
        }
        let built_in = device.info().kind == DeviceKind::BuiltInCpu;
        let not_cpu = || (Outcome::Absent, "the built-in CPU device alone can do that".to_owned());
        let own = |check: &dyn Fn(&[protocol::ChainEntry]) -> checks::Answer| match (&chain, in_tier) {
            (_, false) => absent(),
            (None, true) => (Outcome::Absent, "there is no chain to hold it against".to_owned()),
            (Some(chain), true) => outcome(check(chain)),
        };
        self.add("interruptions", about, || own(&|chain| golden.interrupted(device, chain)));
        self.add("submits", about, || own(&|chain| golden.submits(device, chain)));
        self.add("pipelines", about, || own(&|chain| golden.pipelines(device, chain)));
        self.add("orders", about, || match built_in {
            true => own(&|chain| golden.orders(device, chain, settings)),
            false => not_cpu(),
        });
        let about = about.map(|(name, _)| (name, golden.checked_steps()));
        self.add("checked", about, || match built_in {
            true => outcome(golden.checked(device)),
            false => not_cpu(),
        });
    }
}

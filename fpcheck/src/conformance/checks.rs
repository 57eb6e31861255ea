//! The checks, one function each: what it does, and what it says. None knows of another.

use std::collections::BTreeMap;

use device::{Device, DeviceError, SessionOptions};
use kernels::package::Package;
use kernels::run::RunError;
use protocol::{ChainEntry, Tier};

use super::walk::{Walk, alone, parting};
use super::{Outcome, Settings};
use crate::Fingerprint;
use crate::probe::inputs::Random;
use crate::probe::{PROBES, Path, Wanted, judge, observe};

/// Cases of a probe in a deep look: a million pairs for + - *.
const DEEP: [&str; 4] = ["arithmetic", "contraction", "folding", "integers"];
/// Segments that a golden run is cut into.
pub(super) const SEGMENTS: u64 = 10;

/// A check's answer: words for a pass, or words for what is wrong.
pub(super) type Answer = Result<String, String>;

pub(super) fn outcome(answer: Answer) -> (Outcome, String) {
    match answer {
        Ok(words) => (Outcome::Passed, words),
        Err(words) => (Outcome::Failed, words),
    }
}

fn failed(error: impl std::fmt::Display) -> String {
    format!("did not run: {error}")
}

/// Whether the device gives what its tier demands.
pub(super) fn probes(fingerprint: &Fingerprint) -> (Outcome, String) {
    if let Some(why) = &fingerprint.refused {
        return (Outcome::Absent, why.clone());
    }
    let obstacles = fingerprint.obstacles();
    if !obstacles.is_empty() {
        return (Outcome::Failed, obstacles.join("; "));
    }
    let words = match fingerprint.peculiarities().len() {
        0 => "nothing out of the ordinary".to_owned(),
        1 => "one peculiarity, below".to_owned(),
        count => format!("{count} peculiarities, below"),
    };
    (Outcome::Passed, words)
}

/// The probes with an oracle of integers, over many more cases.
pub(super) fn deep(device: &dyn Device, reference: &dyn Device, settings: &Settings) -> Answer {
    let mut broken = Vec::new();
    let mut looked_at = 0;
    for probe in PROBES.iter().filter(|probe| DEEP.contains(&probe.name)) {
        let wanted = Wanted::cases(settings.cases);
        let found = observe(device, Path::StrictRaw, probe, &wanted).map_err(failed)?;
        let right = observe(reference, Path::StrictRaw, probe, &wanted).map_err(failed)?;
        let findings = judge(Path::StrictRaw, probe, &(probe.inputs)(settings.cases), &found[0], &right[0]);
        looked_at += findings.iter().map(|finding| finding.words).sum::<u64>();
        broken.extend(
            findings
                .iter()
                .filter(|finding| !finding.is_portable())
                .map(|finding| format!("{}: {}", finding.what, finding.verdict)),
        );
    }
    if broken.is_empty() {
        Ok(format!("{looked_at} results, all right"))
    } else {
        Err(broken.join("; "))
    }
}

/// Each probe again and again in one session, and in sessions of their own: the same bits.
pub(super) fn repeats(device: &dyn Device, tier: Tier, settings: &Settings) -> Answer {
    const CASES: usize = 1024;
    for probe in PROBES.iter().filter(|probe| probe.name != "loops") {
        let again = |repeats| {
            let wanted = Wanted {
                repeats,
                ..Wanted::cases(CASES)
            };
            observe(device, Path::of(tier)[0], probe, &wanted)
        };
        let found = match again(settings.repeats) {
            Err(DeviceError::Program(_) | DeviceError::Shader { .. } | DeviceError::Limit { .. }) => continue,
            other => other.map_err(failed)?,
        };
        let once = again(1).map_err(failed)?;
        if let Some(at) = found.iter().position(|words| *words != once[0]) {
            return Err(format!(
                "{} gives other bits at repeat {at} of {}",
                probe.name, settings.repeats
            ));
        }
    }
    Ok(format!("{} repeats, the same bits", settings.repeats))
}

/// What a package's chain is, and what it is held against.
pub(super) struct Golden {
    pub(super) package: Package,
    /// The package as it is, with boundaries where its author put them.
    as_written: Package,
    /// The chain of the built-in CPU device.
    pub(super) reference: Vec<ChainEntry>,
}

impl Golden {
    /// A package, cut into [`SEGMENTS`] segments of the same length that cover `steps` steps, and up to nine more.
    pub(super) fn new(package: &Package, steps: u64, reference: &dyn Device) -> Result<Self, RunError> {
        let as_written = package.clone();
        let manifest = package
            .manifest()
            .clone()
            .with_steps_per_segment(steps.div_ceil(SEGMENTS).max(1));
        let package = package.with_manifest(manifest)?;
        let reference = alone(&package, reference, &SessionOptions::default(), SEGMENTS, false)?;
        Ok(Self {
            package,
            as_written,
            reference,
        })
    }

    /// Steps that the checks of this package cover.
    pub(super) fn steps(&self) -> u64 {
        self.reference.last().map_or(0, |entry| entry.step)
    }

    fn tier(&self) -> Tier {
        self.package.manifest().tier
    }

    /// The chain on a device; portable: the same as everywhere.
    pub(super) fn chain(&self, device: &dyn Device) -> (Answer, Option<Vec<ChainEntry>>) {
        match alone(&self.package, device, &SessionOptions::default(), SEGMENTS, false) {
            Err(error) => (Err(failed(error)), None),
            Ok(found) => {
                let steps = self.steps();
                let answer = match (parting(&self.reference, &found), self.tier()) {
                    (None, _) => Ok(format!("{steps} steps, the chain of the built-in CPU device")),
                    (Some(words), Tier::ClassBound) => {
                        Ok(format!("{steps} steps, a chain of its own, as its class allows: {words}"))
                    }
                    (Some(words), Tier::Portable) => Err(format!("{words}, against the built-in CPU device")),
                };
                (answer, Some(found))
            }
        }
    }

    fn same(&self, device: &dyn Device, expected: &[ChainEntry], options: &SessionOptions, reopen: bool, how: &str) -> Answer {
        let found =
            alone(&self.package, device, options, SEGMENTS, reopen).map_err(|error| format!("{how}: {}", failed(error)))?;
        match parting(expected, &found) {
            None => Ok(String::new()),
            Some(words) => Err(format!("{how}: {words}")),
        }
    }

    /// Stopped at every boundary, continued from a checkpoint's bytes in a new session.
    pub(super) fn interrupted(&self, device: &dyn Device, expected: &[ChainEntry]) -> Answer {
        self.same(
            device,
            expected,
            &SessionOptions::default(),
            true,
            "interrupted at every boundary",
        )?;
        Ok(format!("interrupted at all {SEGMENTS} boundaries, the same chain"))
    }

    /// One submit against many.
    pub(super) fn submits(&self, device: &dyn Device, expected: &[ChainEntry]) -> Answer {
        for most in [1, 7] {
            let options = SessionOptions {
                commands_per_submit_max: Some(most),
                ..SessionOptions::default()
            };
            self.same(
                device,
                expected,
                &options,
                false,
                &format!("at most {most} commands a submit"),
            )?;
        }
        Ok("1, 7 and any number of commands a submit, the same chain".to_owned())
    }

    /// Pipelines that no cache knows, then the same ones again.
    pub(super) fn pipelines(&self, device: &dyn Device, expected: &[ChainEntry]) -> Answer {
        let nonce = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |since| since.subsec_nanos());
        let shaders: BTreeMap<String, String> = self.package.shaders().clone();
        let init = (self.package.manifest().buffers.iter().enumerate())
            .filter(|(_, buffer)| buffer.init.is_some())
            .map(|(at, buffer)| (buffer.name.clone(), self.package.initial(at)));
        let init: BTreeMap<String, Vec<u8>> = init.collect();
        // A function that no one calls changes no result, but it changes what a driver's cache is asked for.
        let unseen = shaders.iter().enumerate().map(|(at, (file, text))| {
            let text = format!("{text}\nfn unseen_{nonce}_{at}() -> u32 {{ return {nonce}u; }}\n");
            (file.clone(), text)
        });
        let package = Package::new(self.package.manifest().clone(), unseen.collect(), init).map_err(failed)?;
        for how in ["cold pipelines", "warm pipelines"] {
            let found = alone(&package, device, &SessionOptions::default(), SEGMENTS, false).map_err(failed)?;
            if let Some(words) = parting(expected, &found) {
                return Err(format!("{how}: {words}"));
            }
        }
        Ok("cold and warm pipelines, the same chain".to_owned())
    }

    /// CPU device: workgroups in other orders, on one thread and on two.
    pub(super) fn orders(&self, device: &dyn Device, expected: &[ChainEntry], settings: &Settings) -> Answer {
        for seed in 0..settings.orders as u64 {
            let options = SessionOptions {
                threads: Some(1 + seed as usize % 2),
                workgroup_order_seed: Some(seed),
                ..SessionOptions::default()
            };
            self.same(
                device,
                expected,
                &options,
                false,
                &format!("workgroups in the order of seed {seed}"),
            )?;
        }
        Ok(format!("{} orders of workgroups, the same chain", settings.orders))
    }

    /// What the checked run runs, and how many segments of it: the package's own segments, where that makes two or more of them. What is lost
    /// at a boundary may depend on where it lies.
    fn checked_run(&self) -> (&Package, u64) {
        match self.steps().div_ceil(self.as_written.manifest().run.steps_per_segment) {
            0 | 1 => (&self.package, SEGMENTS),
            segments => (&self.as_written, segments),
        }
    }

    /// Steps that the checked run covers.
    pub(super) fn checked_steps(&self) -> u64 {
        let (package, segments) = self.checked_run();
        package.manifest().run.steps_per_segment * segments
    }

    /// CPU device: all steps once more in the mode that reports races, stray accesses, exceptional floats and reads of what a boundary cleared.
    pub(super) fn checked(&self, device: &dyn Device) -> Answer {
        let (package, segments) = self.checked_run();
        let options = SessionOptions {
            checked: true,
            ..SessionOptions::default()
        };
        let found = alone(package, device, &options, segments, false).map_err(|error| error.to_string())?;
        let plain = alone(package, device, &SessionOptions::default(), segments, false).map_err(failed)?;
        match parting(&plain, &found) {
            None => Ok(format!(
                "no race, no stray access, no exceptional float, nothing lost at a boundary in {} steps",
                self.checked_steps()
            )),
            Some(words) => Err(words),
        }
    }

    /// Segments computed by devices in random turn, in so many orders: one chain.
    pub(super) fn hops(&self, devices: &[&dyn Device], settings: &Settings) -> Answer {
        let seats = devices.iter().map(|device| (*device, SessionOptions::default())).collect();
        let mut walk = Walk::new(&self.package, seats);
        for seed in 0..settings.orders as u64 {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9) ^ 0xba70);
            let mut sits = usize::MAX;
            let mut turns = Vec::new();
            let hop = |_| {
                // Another one than before, wherever there is another one.
                let mut next = random.word() as usize % devices.len();
                if next == sits {
                    next = (next + 1) % devices.len();
                }
                sits = next;
                turns.push(devices[next].info().id.clone());
                next
            };
            let found = walk.chain(SEGMENTS, false, hop).map_err(failed)?;
            if let Some(words) = parting(&self.reference, &found) {
                return Err(format!("order {seed} ({}): {words}", turns.join(" → ")));
            }
        }
        let ids: Vec<&str> = devices.iter().map(|device| device.info().id.as_str()).collect();
        Ok(format!(
            "{} steps in {} random orders among {}, a hop at every boundary: one chain, {}",
            self.steps(),
            settings.orders,
            ids.join(", "),
            self.reference.last().map_or_else(String::new, |entry| entry.digest.short()),
        ))
    }
}

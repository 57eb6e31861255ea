//! A device's fingerprint in a tier: who it says it is, and what it was measured to do.
//!
//! Invariant: measuring is a function of the device alone. The same device gives the same fingerprint in every run and process.

use device::{Device, DeviceError};
use protocol::{Digest, HardwareClass, Tier};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::probe::{Finding, PROBES, Path, Probe, SHORT_LOOPS, Wanted, judge, observe};

/// Cases of each probe; part of what a class means.
const CASES: usize = 4096;

/// Who a device is and what it does, in one tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The tier that it was measured in.
    pub tier: Tier,
    /// Who it says it is.
    pub identity: Identity,
    /// What each probe found. Empty where the device does not run the tier at all.
    pub findings: Vec<Finding>,
    /// Why the device does not run the tier at all.
    pub refused: Option<String>,
}

impl Fingerprint {
    /// Run every probe on a device. Takes from half a second to some seconds.
    ///
    /// # Errors
    /// The device failed, as opposed to gave wrong bits.
    pub fn measure(device: &dyn Device, tier: Tier) -> Result<Self, DeviceError> {
        let mut fingerprint = Self {
            tier,
            identity: Identity::of(device.info()),
            findings: Vec::new(),
            refused: None,
        };
        let reference = crate::reference();
        let wanted = Wanted::cases(CASES);
        for &path in Path::of(tier) {
            for probe in PROBES.iter().filter(|probe| path.has(probe)) {
                let inputs = (probe.inputs)(CASES);
                match observe(device, path, probe, &wanted) {
                    Ok(found) => {
                        let right = observe(&*reference, path, probe, &wanted)?;
                        fingerprint.findings.extend(judge(path, probe, &inputs, &found[0], &right[0]));
                    }
                    Err(DeviceError::LoopCut { .. }) if probe.name == "loops" => {
                        fingerprint
                            .findings
                            .extend(short_loops(device, &*reference, path, probe, &wanted)?);
                    }
                    Err(DeviceError::Program(why)) if fingerprint.findings.is_empty() && tier == Tier::Portable => {
                        fingerprint.refused = Some(why);
                        return Ok(fingerprint);
                    }
                    Err(error @ (DeviceError::Program(_) | DeviceError::Shader { .. } | DeviceError::Limit { .. })) => {
                        fingerprint.findings.push(Finding::refused(path, probe, &error.to_string()));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(fingerprint)
    }

    /// Digest of all that was measured.
    pub fn behaviour(&self) -> Digest {
        self.digest(|_| true, |finding| finding.bits)
    }

    fn digest(&self, which: impl Fn(&Finding) -> bool, bits: impl Fn(&Finding) -> Digest) -> Digest {
        let lines = self.findings.iter().filter(|finding| which(finding));
        let text: String = lines
            .map(|finding| format!("{}.{} {}\n", finding.probe, finding.column, bits(finding)))
            .collect();
        Digest::of(text.as_bytes())
    }

    /// What keeps the device out of the tier, in words; nothing where it is in. Every device is in the class-bound tier.
    pub fn obstacles(&self) -> Vec<String> {
        if self.tier == Tier::ClassBound {
            return Vec::new();
        }
        let broken = self.findings.iter().filter(|finding| !finding.is_portable());
        let words = broken.map(|finding| format!("{}: {}", finding.what, finding.verdict));
        self.refused.iter().cloned().chain(words).collect()
    }

    /// The device's class in the tier; none where it has no place in it.
    ///
    /// - `class-bound`: identity and every bit of behaviour.
    /// - `portable`: what strict execution must give and was measured to give, which is the same on every device that is in.
    pub fn class(&self) -> Option<HardwareClass> {
        let text = match self.tier {
            Tier::ClassBound => format!("baton class-bound\n{}behaviour {}\n", self.identity.text(), self.behaviour()),
            Tier::Portable if self.obstacles().is_empty() => {
                let behaviour = self.digest(|finding| finding.demanded, |finding| finding.portable_bits);
                format!("baton portable\nbehaviour {behaviour}\n")
            }
            Tier::Portable => return None,
        };
        Some(HardwareClass {
            tier: self.tier,
            key: Digest::of(text.as_bytes()),
        })
    }

    /// What the device does otherwise than the oracle, in words.
    pub fn peculiarities(&self) -> Vec<String> {
        let found = self.findings.iter().filter(|finding| !finding.verdict.is_empty());
        found
            .map(|finding| format!("{}: {}", finding.what, finding.verdict))
            .collect()
    }

    /// In what two fingerprints of a tier differ, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut words = self.identity.differences(&other.identity);
        for finding in &self.findings {
            let twin = other
                .findings
                .iter()
                .find(|twin| (&twin.probe, &twin.column) == (&finding.probe, &finding.column));
            let said = |finding: &Finding| {
                if finding.verdict.is_empty() {
                    "as the oracle".to_owned()
                } else {
                    finding.verdict.clone()
                }
            };
            match twin {
                Some(twin) if twin.bits != finding.bits => {
                    words.push(format!("{}: {}, against: {}", finding.what, said(finding), said(twin)));
                }
                Some(_) => {}
                None => words.push(format!("{}: not measured on the other", finding.what)),
            }
        }
        words
    }
}

/// What is found of loops on a device that fails by name where one is too long for it: short ones must be right.
///
/// A package may rely on right words or that error, so that such a device is of the class of those that run them all.
fn short_loops(
    device: &dyn Device,
    reference: &dyn Device,
    path: Path,
    probe: &Probe,
    wanted: &Wanted,
) -> Result<Vec<Finding>, DeviceError> {
    let long = observe(reference, path, probe, wanted)?;
    let all = judge(path, probe, &(probe.inputs)(wanted.cases), &long[0], &long[0]);
    let (found, right) = (
        observe(device, path, &SHORT_LOOPS, wanted)?,
        observe(reference, path, &SHORT_LOOPS, wanted)?,
    );
    let short = judge(path, &SHORT_LOOPS, &(SHORT_LOOPS.inputs)(wanted.cases), &found[0], &right[0]);
    let by_name = |(short, all): (Finding, Finding)| match short.is_portable() {
        true => Finding {
            portable_bits: all.portable_bits,
            verdict: "a loop that is too long for the device makes its pass fail, by name".to_owned(),
            ..short
        },
        false => short,
    };
    Ok(short.into_iter().zip(all).map(by_name).collect())
}

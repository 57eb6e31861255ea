//! A device's hardware class.
//!
//! A class is a promise: two devices of one class compute the same bits. What stands behind it differs by tier.
//!
//! - `class-bound`: identity and behaviour. It covers everything between WGSL and silicon that could change a bit: back end,
//!   vendor, device, driver with version, compilers, Baton's own version, and every bit that the probes saw under stock
//!   compilation. A driver update is a new class.
//! - `portable`: behaviour alone, as far as packages of the tier may rely on it, under strict compilation. It is the same on every
//!   device that gives what must come out, and there is none for a device that does not. No device is in by its name.

use std::sync::Arc;

use device::{Device, DeviceError};
use protocol::{HardwareClass, Tier};

use crate::identity::Identity;
use crate::{Fingerprint, cache};

/// The class of a device in a tier; `None` where it has no place in it, or failed while it was probed.
///
/// The first call for a device takes seconds; what it finds is kept, so that later ones, in other processes too, do not.
/// [`fingerprint`] tells why there is none.
pub fn class(device: &dyn Device, tier: Tier) -> Option<HardwareClass> {
    match fingerprint(device, tier) {
        Ok(fingerprint) => fingerprint.class(),
        Err(error) => {
            tracing::warn!("{} could not be probed: {error}", device.info().id);
            None
        }
    }
}

/// The same, measured now, whatever is known of such a device: its driver was reset, say, or the machine slept.
pub fn class_anew(device: &dyn Device, tier: Tier) -> Option<HardwareClass> {
    match Fingerprint::measure(device, tier) {
        Ok(fingerprint) => {
            cache::put(&fingerprint);
            fingerprint.class()
        }
        Err(error) => {
            tracing::warn!("{} could not be probed: {error}", device.info().id);
            None
        }
    }
}

/// A device's fingerprint in a tier, measured now or earlier.
///
/// # Errors
/// The device failed while it was probed.
pub fn fingerprint(device: &dyn Device, tier: Tier) -> Result<Fingerprint, DeviceError> {
    let identity = Identity::of(device.info());
    if let Some(known) = cache::get(&identity, tier) {
        return Ok(known);
    }
    let fingerprint = Fingerprint::measure(device, tier)?;
    cache::put(&fingerprint);
    Ok(fingerprint)
}

/// The built-in CPU device, to which others are held where there is no oracle.
pub(crate) fn reference() -> Arc<dyn Device> {
    let mut devices = device::cpu::list();
    devices.swap_remove(0)
}

#[cfg(test)]
pub(crate) mod tests {
    use device::{DeviceInfo, DeviceKind};
    use protocol::Digest;

    use super::*;
    use crate::probe::{Finding, Sample};

    pub(crate) fn info() -> DeviceInfo {
        DeviceInfo {
            id: "vulkan:0".into(),
            name: "A card".into(),
            backend: "vulkan".into(),
            kind: DeviceKind::DiscreteGpu,
            vendor: 1,
            device: 2,
            driver: "d 1".into(),
            compiler: "c 1".into(),
        }
    }

    fn finding(demanded: bool) -> Finding {
        Finding {
            probe: "p".into(),
            column: "c".into(),
            what: "a + b".into(),
            bits: Digest::of(b"right"),
            portable_bits: Digest::of(b"right"),
            words: 9,
            differ: 0,
            differ_portable: 0,
            demanded,
            sample: None,
            verdict: String::new(),
        }
    }

    fn wrong(finding: &Finding) -> Finding {
        Finding {
            bits: Digest::of(b"wrong"),
            portable_bits: Digest::of(b"wrong"),
            differ: 1,
            differ_portable: 1,
            sample: Some(Sample {
                inputs: Vec::new(),
                expected: "00000000".into(),
                found: "00000001".into(),
            }),
            verdict: "1 of 9 differ".into(),
            ..finding.clone()
        }
    }

    fn fingerprint(tier: Tier, info: &DeviceInfo, findings: Vec<Finding>) -> Fingerprint {
        Fingerprint {
            tier,
            identity: Identity::of(info),
            findings,
            refused: None,
        }
    }

    #[test]
    fn every_fact_but_the_id_and_every_bit_of_behaviour_makes_another_class_bound_class() {
        let of = |info: &DeviceInfo| fingerprint(Tier::ClassBound, info, vec![finding(false)]).class();
        let base = info();
        let with = |change: fn(&mut DeviceInfo)| {
            let mut info = info();
            change(&mut info);
            info
        };
        let changed = [
            with(|info| info.backend = "gl".into()),
            with(|info| info.vendor = 9),
            with(|info| info.device = 9),
            with(|info| info.name = "B card".into()),
            with(|info| info.driver = "d 2".into()),
            with(|info| info.compiler = "c 2".into()),
            with(|info| info.driver = "d 1\ncompiler 3 c 1".into()),
        ];
        for other in &changed {
            assert_ne!(of(other), of(&base), "{other:?}");
        }
        assert_eq!(of(&with(|info| info.id = "vulkan:7".into())), of(&base));
        let other = fingerprint(Tier::ClassBound, &base, vec![wrong(&finding(false))]);
        assert_ne!(other.class(), of(&base));
    }

    #[test]
    fn the_built_in_cpu_device_is_one_class_on_every_processor() {
        let of = |name: &str| {
            let info = DeviceInfo {
                backend: "cpu".into(),
                name: name.into(),
                ..info()
            };
            fingerprint(Tier::ClassBound, &info, Vec::new()).class()
        };
        assert_eq!(of("a processor"), of("another"));
    }

    #[test]
    fn portable_is_one_class_for_all_who_give_what_is_demanded_and_none_for_others() {
        let other = DeviceInfo {
            vendor: 9,
            driver: "d 7".into(),
            ..info()
        };
        let portable = |info: &DeviceInfo, findings| fingerprint(Tier::Portable, info, findings);
        let class = portable(&info(), vec![finding(true), finding(false)]).class();
        assert!(class.is_some());
        assert_eq!(portable(&other, vec![finding(true), wrong(&finding(false))]).class(), class);
        let outside = portable(&other, vec![wrong(&finding(true)), finding(false)]);
        assert_eq!(outside.class(), None);
        assert_eq!(outside.obstacles(), ["a + b: 1 of 9 differ"]);
    }
}

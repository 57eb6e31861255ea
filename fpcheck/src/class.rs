//! A device's hardware class, from what it says of itself.
//!
//! A class is a promise: two devices of one class compute the same bits. What stands behind it differs by tier.
//!
//! - `class-bound`: the key is an identity. It covers everything between WGSL and silicon that could change a bit: back end,
//!   vendor, device, driver with version, compilers, Baton's own version. A driver update is a new class.
//! - `portable`: the key is a behaviour, that of strict compilation and exact library functions, and is the same on every
//!   device. Only back ends whose compilation is strict have it: the built-in CPU device, and Vulkan, where float controls and
//!   `NoContraction` are ours to set. Metal, DirectX and GL translate through compilers that may contract or reorder.

use device::DeviceInfo;
use protocol::{Digest, HardwareClass, Tier};

/// Changes when strict compilation or the exact functions change a bit.
const STRICT_VERSION: u32 = 1;

/// The class of a device in a tier; `None` where the device has no place in it.
pub fn class(info: &DeviceInfo, tier: Tier) -> Option<HardwareClass> {
    let text = match tier {
        Tier::ClassBound => identity(info),
        Tier::Portable if is_strict(info) => format!("baton portable\nstrict {STRICT_VERSION}\n"),
        Tier::Portable => return None,
    };
    Some(HardwareClass {
        tier,
        key: Digest::of(text.as_bytes()),
    })
}

/// Whether WGSL reaches this device through strict compilation.
fn is_strict(info: &DeviceInfo) -> bool {
    matches!(info.backend.as_str(), "cpu" | "vulkan")
}

/// One line a fact; lengths make the text unambiguous whatever a driver calls itself.
fn identity(info: &DeviceInfo) -> String {
    let facts = [
        ("backend", info.backend.clone()),
        ("vendor", format!("{:08x}", info.vendor)),
        ("device", format!("{:08x}", info.device)),
        ("name", info.name.clone()),
        ("driver", info.driver.clone()),
        ("compiler", info.compiler.clone()),
        ("baton", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mut text = String::from("baton class-bound\n");
    for (key, value) in facts {
        // The built-in CPU device computes the same bits on every processor, so the processor's name is no part of its class.
        if key == "name" && info.backend == "cpu" {
            continue;
        }
        text.push_str(&format!("{key} {} {value}\n", value.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use device::DeviceKind;

    use super::*;

    fn info(backend: &str) -> DeviceInfo {
        DeviceInfo {
            id: format!("{backend}:0"),
            name: "A card".into(),
            backend: backend.into(),
            kind: DeviceKind::DiscreteGpu,
            vendor: 1,
            device: 2,
            driver: "d 1".into(),
            compiler: "c 1".into(),
        }
    }

    #[test]
    fn portable_is_one_class_for_strict_back_ends_and_none_for_others() {
        assert!(class(&info("cpu"), Tier::Portable).is_some());
        assert_eq!(class(&info("cpu"), Tier::Portable), class(&info("vulkan"), Tier::Portable));
        for backend in ["metal", "dx12", "gl"] {
            assert_eq!(class(&info(backend), Tier::Portable), None);
        }
    }

    #[test]
    fn every_fact_but_the_id_makes_another_class_bound_class() {
        let base = info("vulkan");
        let of = |info: &DeviceInfo| class(info, Tier::ClassBound);
        let changed = [
            DeviceInfo {
                backend: "gl".into(),
                ..base.clone()
            },
            DeviceInfo {
                vendor: 9,
                ..base.clone()
            },
            DeviceInfo {
                device: 9,
                ..base.clone()
            },
            DeviceInfo {
                name: "B card".into(),
                ..base.clone()
            },
            DeviceInfo {
                driver: "d 2".into(),
                ..base.clone()
            },
            DeviceInfo {
                compiler: "c 2".into(),
                ..base.clone()
            },
            DeviceInfo {
                driver: "d 1\ncompiler 3 c 1".into(),
                ..base.clone()
            },
        ];
        for other in &changed {
            assert_ne!(of(other), of(&base), "{other:?}");
        }
        assert_eq!(
            of(&DeviceInfo {
                id: "vulkan:7".into(),
                ..base.clone()
            }),
            of(&base)
        );
    }

    #[test]
    fn the_built_in_cpu_device_is_one_class_on_every_processor() {
        let other = DeviceInfo {
            name: "Another processor".into(),
            ..info("cpu")
        };
        assert_eq!(class(&other, Tier::ClassBound), class(&info("cpu"), Tier::ClassBound));
    }
}

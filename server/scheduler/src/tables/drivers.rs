//! Drivers whose devices returned wrong results, and those from which nothing more is asked.
//!
//! A driver is known by the class-bound class of its devices, since that is measured and covers its version. Invariant: a host stands once for a
//! driver and package.

use std::collections::BTreeMap;

use protocol::{Digest, HardwareClass, HostId};
use serde::{Deserialize, Serialize};

/// Hosts that nothing connects, after which their fault is the driver's.
pub(crate) const HOSTS_OF_A_FAULT: usize = 3;
/// Results that are kept for a driver, of each kind.
const KEPT_MAX: usize = 64;

/// What is known against a driver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Driver {
    /// Hosts that a referee found wrong on it, each with the package.
    pub(crate) wrong: Vec<(HostId, Digest)>,
    /// Packages of which a host was found right on it, by a referee or on another driver.
    #[serde(default)]
    pub(crate) right: Vec<Digest>,
    /// Why nothing is asked of its devices.
    pub(crate) quarantined: Option<String>,
}

/// What is known against drivers, by their class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(HardwareClass, Driver)>", into = "Vec<(HardwareClass, Driver)>")]
pub(crate) struct Drivers(BTreeMap<HardwareClass, Driver>);

impl Drivers {
    /// Notes that a host was right with a package: what is wrong of others on this driver is their own fault.
    pub(crate) fn note_right(&mut self, class: HardwareClass, package: Digest) {
        let right = &mut self.0.entry(class).or_default().right;
        if !right.contains(&package) {
            if right.len() == KEPT_MAX {
                right.remove(0);
            }
            right.push(package);
        }
    }

    /// Notes a wrong result of a host. The hosts that were wrong with this package on this driver; none while one was right.
    pub(crate) fn note_wrong(&mut self, class: HardwareClass, host: HostId, package: Digest) -> Vec<HostId> {
        let driver = self.0.entry(class).or_default();
        if !driver.wrong.contains(&(host, package)) {
            if driver.wrong.len() == KEPT_MAX {
                driver.wrong.remove(0);
            }
            driver.wrong.push((host, package));
        }
        if driver.right.contains(&package) {
            return Vec::new();
        }
        let same = driver.wrong.iter().filter(|(_, other)| *other == package);
        same.map(|(host, _)| *host).collect()
    }

    /// Nothing is asked of a driver's devices any more, for a reason.
    pub(crate) fn quarantine(&mut self, class: HardwareClass, reason: String) {
        self.0.entry(class).or_default().quarantined = Some(reason);
    }

    /// Forgets what is known against a driver. Whether it was quarantined.
    pub(crate) fn forgive(&mut self, class: HardwareClass) -> bool {
        self.0.remove(&class).is_some_and(|driver| driver.quarantined.is_some())
    }

    /// The classes of which nothing is asked.
    pub(crate) fn all_quarantined(&self) -> impl Iterator<Item = HardwareClass> {
        let quarantined = self.0.iter().filter(|(_, driver)| driver.quarantined.is_some());
        quarantined.map(|(class, _)| *class)
    }

    /// Why nothing is asked of a device with these classes.
    pub(crate) fn quarantined(&self, classes: &[HardwareClass]) -> Option<&str> {
        let drivers = classes.iter().filter_map(|class| self.0.get(class));
        drivers.filter_map(|driver| driver.quarantined.as_deref()).next()
    }
}

impl From<Vec<(HardwareClass, Driver)>> for Drivers {
    fn from(rows: Vec<(HardwareClass, Driver)>) -> Self {
        Self(rows.into_iter().collect())
    }
}

impl From<Drivers> for Vec<(HardwareClass, Driver)> {
    fn from(drivers: Drivers) -> Self {
        drivers.0.into_iter().collect()
    }
}

/// The driver of a device, known by its class-bound class.
pub(crate) fn driver_of(classes: &[HardwareClass]) -> Option<HardwareClass> {
    classes.iter().copied().find(|class| class.tier == protocol::Tier::ClassBound)
}

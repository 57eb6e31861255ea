//! The devices that are lent: which of this machine's the preferences name, and when they are looked for again.
//!
//! Invariant: a device that is still what it was keeps its handle, unless it was lost; what is new, lost or measured anew has its class from its own probes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use device::{Device, DeviceKind};
use protocol::http::DeviceReport;
use protocol::{HardwareClass, Tier};

use super::canary::Passed;
use super::compute::Idle;
use super::preferences::Preferences;
use crate::exit::Usage;

/// Devices are looked for again after this time, where nothing else asked for it: a platform may show nothing of a change.
const LOOK_ANYHOW: Duration = Duration::from_secs(3600);
/// A clock on the wall that goes ahead of the machine's own by so much: it slept.
const SLEEP_MIN: Duration = Duration::from_secs(30);

/// Back ends that a device's id may begin with.
const BACKENDS: [&str; 4] = ["vulkan", "metal", "dx12", "gl"];

/// A device that is lent.
#[derive(Clone)]
pub(crate) struct Lent {
    pub(crate) device: Arc<dyn Device>,
    /// One a tier at most, one at least.
    pub(crate) classes: Vec<HardwareClass>,
    pub(crate) idle: Arc<Idle>,
    /// What was tried on it before another device's work is gone on with.
    pub(crate) passed: Arc<Passed>,
}

impl Lent {
    /// What the server is told of it.
    pub(crate) fn report(&self) -> DeviceReport {
        let info = self.device.info();
        DeviceReport {
            id: info.id.clone(),
            name: info.name.chars().filter(|c| !c.is_control()).take(100).collect(),
            classes: self.classes.clone(),
        }
    }

    fn words(&self) -> String {
        let info = self.device.info();
        let classes: Vec<String> = self.classes.iter().map(ToString::to_string).collect();
        format!("{} ({}), class {}", info.id, info.name, classes.join(", "))
    }
}

/// Which devices are not what they were though they say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// These were lost.
    Lost(BTreeSet<String>),
    /// All but the built-in CPU device: the machine slept.
    All,
}

impl Doubt {
    /// No device.
    pub(crate) fn none() -> Self {
        Self::Lost(BTreeSet::new())
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Lost(mut some), Self::Lost(others)) => {
                some.extend(others);
                Self::Lost(some)
            }
            _ => Self::All,
        }
    }

    fn covers(&self, device: &dyn Device) -> bool {
        let info = device.info();
        match self {
            Self::Lost(lost) => lost.contains(&info.id),
            Self::All => info.kind != DeviceKind::BuiltInCpu,
        }
    }
}

/// The devices that preferences name.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) devices: Vec<Lent>,
    /// Those that are not here, each in a sentence.
    pub(crate) missing: Vec<String>,
}

impl Found {
    /// Look at this machine. `before` is what was found last.
    pub(crate) fn look(preferences: &Preferences, before: &[Lent], doubt: &Doubt) -> Self {
        let mut found = Self {
            devices: Vec::new(),
            missing: Vec::new(),
        };
        let lend = |device: &Arc<dyn Device>| lend(device, before, doubt);
        for wanted in &preferences.devices {
            let lent = match wanted.as_str() {
                "auto" => {
                    let mut devices = device::automatic();
                    devices.retain(|device| !is_excluded(preferences, &**device));
                    devices.sort_by_key(|device| device.info().kind);
                    let mut lent = devices.iter().filter_map(lend);
                    lent.next()
                        .ok_or_else(|| "no device of this machine has a hardware class".to_owned())
                }
                id => match device::select(id) {
                    Err(error) => Err(error.to_string()),
                    Ok(device) if is_excluded(preferences, &*device) => {
                        Err(format!("device '{id}' is excluded by exclude_gpus"))
                    }
                    Ok(device) => lend(&device)
                        .ok_or_else(|| format!("device '{id}' has no hardware class: nothing can be computed on it")),
                },
            };
            match lent {
                Ok(lent)
                    if found
                        .devices
                        .iter()
                        .any(|other| other.device.info().id == lent.device.info().id) => {}
                Ok(lent) => found.devices.push(lent),
                Err(why) => found.missing.push(why),
            }
        }
        found
    }

    /// The devices of an agent that begins. `may_wait`: it worked with them before, so that they may come yet.
    ///
    /// # Errors
    /// None is here, and none can be expected.
    pub(crate) fn or_refused(self, may_wait: bool) -> anyhow::Result<Self> {
        match self.devices.is_empty() && !may_wait {
            true => Err(Usage(format!("{}; `baton devices` lists what there is", self.missing.join("; "))).into()),
            false => Ok(self),
        }
    }

    /// What changed since `before`, a sentence each.
    pub(crate) fn news(&self, before: &[Lent]) -> Vec<String> {
        let same = |lent: &Lent, other: &Lent| lent.device.info().id == other.device.info().id;
        let gone = before
            .iter()
            .filter(|old| !self.devices.iter().any(|lent| same(lent, old)))
            .map(|old| format!("{} is not here any more", old.words()));
        let come = self
            .devices
            .iter()
            .filter_map(|lent| match before.iter().find(|old| same(lent, old)) {
                None => Some(format!("{} is here", lent.words())),
                Some(old) if old.words() != lent.words() => Some(format!("{} is now {}", old.words(), lent.words())),
                Some(_) => None,
            });
        gone.chain(come).collect()
    }
}

/// Hold the names of devices against what a name can be.
///
/// # Errors
/// A name that no device has anywhere.
pub(crate) fn check_names(names: &[String]) -> Result<(), String> {
    for name in names {
        let is_numbered = name.split_once(':').is_some_and(|(backend, number)| {
            BACKENDS.contains(&backend) && number.parse::<u8>().is_ok_and(|parsed| parsed.to_string() == number)
        });
        if !is_numbered && name != "auto" && name != "cpu" {
            return Err(format!(
                "device = {name:?}: expected `auto`, `cpu`, or an id such as `vulkan:0`, as `baton devices` shows it"
            ));
        }
    }
    Ok(())
}

fn is_excluded(preferences: &Preferences, device: &dyn Device) -> bool {
    let info = device.info();
    let name = info.name.to_lowercase();
    let hit = |wanted: &String| *wanted == info.id || name.contains(&wanted.to_lowercase());
    info.kind != DeviceKind::BuiltInCpu && preferences.exclude_gpus.iter().any(hit)
}

/// A device to lend; none where it has no class.
fn lend(device: &Arc<dyn Device>, before: &[Lent], doubt: &Doubt) -> Option<Lent> {
    let known = before.iter().find(|lent| lent.device.info().id == device.info().id);
    let is_doubted = doubt.covers(&**device);
    if let Some(known) = known
        && known.device.info() == device.info()
        && !is_doubted
    {
        return Some(known.clone());
    }
    let of_tier = |tier| match is_doubted {
        true => fpcheck::class_anew(&**device, tier),
        false => fpcheck::class(&**device, tier),
    };
    let classes: Vec<HardwareClass> = [Tier::Portable, Tier::ClassBound].into_iter().filter_map(of_tier).collect();
    (!classes.is_empty()).then(|| Lent {
        device: Arc::clone(device),
        classes,
        idle: known.map(|known| Arc::clone(&known.idle)).unwrap_or_default(),
        passed: Arc::default(),
    })
}

/// When devices are to be looked for again.
#[derive(Debug)]
pub(crate) struct Lookout {
    drivers: Vec<String>,
    looked_at: Instant,
    clocks: (Instant, SystemTime),
}

impl Lookout {
    /// Devices were just looked for, with these marks of drivers.
    pub(crate) fn new(drivers: Vec<String>) -> Self {
        let now = Instant::now();
        Self {
            drivers,
            looked_at: now,
            clocks: (now, SystemTime::now()),
        }
    }

    /// Marks of drivers as they are now. Whether devices are to be looked for, and which of them are doubted.
    pub(crate) fn compare(&mut self, drivers: Vec<String>) -> Option<Doubt> {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let (last, last_wall) = std::mem::replace(&mut self.clocks, (now, wall));
        // A clock that was set back is no sleep.
        let passed = wall.duration_since(last_wall).unwrap_or_default();
        let slept = has_slept(now.duration_since(last), passed);
        let changed = std::mem::replace(&mut self.drivers, drivers) != self.drivers;
        let is_due = slept || changed || now.duration_since(self.looked_at) >= LOOK_ANYHOW;
        is_due.then(|| {
            self.looked_at = now;
            if slept { Doubt::All } else { Doubt::none() }
        })
    }
}

/// Whether the machine slept between two looks: by its own clock, which stands still in sleep on most systems, and by the clock on the wall. Where both go on, looks that
/// are so far apart say the same.
fn has_slept(own: Duration, wall: Duration) -> bool {
    wall > own + SLEEP_MIN || own > 4 * SLEEP_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_device_has_are_refused() {
        for good in ["auto", "cpu", "vulkan:0", "gl:12", "dx12:1", "metal:0"] {
            assert_eq!(check_names(&[good.to_owned()]), Ok(()), "{good}");
        }
        for bad in [
            "",
            "gpu",
            "vulkan",
            "vulkan:",
            "vulkan:x",
            "vulkan:00",
            "vulkan:-1",
            "cuda:0",
            "vulkan:999",
            "CPU",
        ] {
            let error = check_names(&["cpu".to_owned(), bad.to_owned()]).unwrap_err();
            assert!(error.contains("vulkan:0"), "{bad}: {error}");
        }
    }

    #[test]
    fn sleep_is_told_from_a_busy_machine_and_from_a_clock_that_was_set() {
        let seconds = Duration::from_secs;
        assert!(!has_slept(seconds(5), seconds(5)));
        assert!(!has_slept(seconds(20), seconds(22)), "a busy machine");
        assert!(!has_slept(seconds(5), seconds(0)), "set back");
        assert!(has_slept(seconds(5), seconds(3600)));
        assert!(has_slept(seconds(3600), seconds(3600)), "a clock that goes on in sleep");
    }

    #[test]
    fn doubts_add_up() {
        let lost = |id: &str| Doubt::Lost([id.to_owned()].into());
        assert_eq!(lost("a").and(lost("b")), Doubt::Lost(["a".to_owned(), "b".to_owned()].into()));
        assert_eq!(lost("a").and(Doubt::All), Doubt::All);
        let cpu = device::select("cpu").unwrap();
        assert!(!Doubt::All.covers(&*cpu) && lost("cpu").covers(&*cpu));
    }

    #[test]
    fn marks_that_changed_ask_for_a_look_once() {
        let mut lookout = Lookout::new(vec!["a".into()]);
        assert_eq!(lookout.compare(vec!["a".into()]), None);
        assert_eq!(lookout.compare(Vec::new()), Some(Doubt::none()));
        assert_eq!(lookout.compare(Vec::new()), None);
        lookout.clocks.1 -= Duration::from_secs(100);
        assert_eq!(lookout.compare(Vec::new()), Some(Doubt::All));
    }
}

//! What stands between WGSL and silicon and could change a bit, as far as it has a name.

use device::DeviceInfo;
use serde::{Deserialize, Serialize};

/// A device's facts, in a fixed order: name and value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity(Vec<(String, String)>);

impl Identity {
    /// Of a device, as its driver tells.
    pub fn of(info: &DeviceInfo) -> Self {
        let mut facts = vec![
            ("backend", info.backend.clone()),
            ("vendor", format!("{:08x}", info.vendor)),
            ("device", format!("{:08x}", info.device)),
        ];
        // The built-in CPU device computes the same bits on every processor, so the processor's name is no part of it.
        if info.backend != "cpu" {
            facts.push(("name", info.name.clone()));
        }
        facts.extend([
            ("driver", info.driver.clone()),
            ("compiler", info.compiler.clone()),
            ("baton", env!("CARGO_PKG_VERSION").to_owned()),
        ]);
        Self(facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The facts: name and value.
    pub fn facts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One line a fact; lengths make the text unambiguous whatever a driver calls itself.
    pub(crate) fn text(&self) -> String {
        self.facts()
            .map(|(name, value)| format!("{name} {} {value}\n", value.len()))
            .collect()
    }

    /// In what two devices differ, in words.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let value = |of: &Self, name: &str| {
            of.facts()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
        };
        let mut names: Vec<&str> = self.facts().chain(other.facts()).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter_map(|name| {
                let (mine, theirs) = (value(self, name), value(other, name));
                let said = |value: Option<String>| value.filter(|value| !value.is_empty()).unwrap_or_else(|| "none".to_owned());
                (mine != theirs).then(|| format!("{name}: {} against {}", said(mine), said(theirs)))
            })
            .collect()
    }
}

//! Devices are looked for again, on a thread of the pool: drivers take their time, and may measure.
//!
//! Invariant: each look that the planner waits for ends with one [`Input::Devices`], whatever becomes of it.

use std::panic::AssertUnwindSafe;

use planner::Input;

use super::start::describe;
use super::{Agent, Note};
use crate::agent::devices::{Doubt, Found, Lent};

/// Whether devices are being looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Search {
    Idle,
    /// Under way; afterwards once more, if something asked for that meanwhile.
    UnderWay(Option<Doubt>),
}

impl Agent {
    /// Look for devices again.
    pub(super) fn find_devices(&mut self, doubt: Doubt) {
        if let Search::UnderWay(again) = &mut self.search {
            let before = again.take().unwrap_or_else(Doubt::none);
            *again = Some(before.and(doubt));
            return;
        }
        self.search = Search::UnderWay(None);
        let (preferences, before, sender) = (self.preferences.clone(), self.devices.clone(), self.sender.clone());
        tokio::task::spawn_blocking(move || {
            let look = AssertUnwindSafe(|| Found::look(&preferences, &before, &doubt));
            let found = std::panic::catch_unwind(look).unwrap_or_else(|_| Found {
                devices: before.clone(),
                missing: vec!["a driver panicked while devices were looked for; they count as they were before".into()],
            });
            drop(sender.send(Note::Found(found)));
        });
    }

    /// They were looked for.
    pub(super) fn found_devices(&mut self, found: Found) {
        for line in found.news(&self.devices) {
            self.say(&line);
        }
        for line in &found.missing {
            tracing::info!("{line}");
        }
        self.devices = found.devices;
        let devices = self.devices.iter().map(planner_device).collect();
        let description = describe(
            &self.devices,
            &self.preferences,
            self.watch.looked(),
            (&self.instance, &self.key),
        );
        self.give(Input::Devices(devices, Box::new(description)));
        if let Search::UnderWay(Some(doubt)) = std::mem::replace(&mut self.search, Search::Idle) {
            self.find_devices(doubt);
        }
    }
}

/// A device as the planner knows it.
pub(super) fn planner_device(lent: &Lent) -> planner::Device {
    planner::Device {
        id: lent.device.info().id.clone(),
        classes: lent.classes.clone(),
    }
}

/// A signal asks for a look: `kill -USR1`, from a rule of udev for instance.
#[cfg(unix)]
pub(super) fn listen(sender: tokio::sync::mpsc::UnboundedSender<Note>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut asked = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move { while asked.recv().await.is_some() && sender.send(Note::FindDevices).is_ok() {} });
    Ok(())
}

/// Windows has no such signal.
#[cfg(not(unix))]
pub(super) fn listen(_: tokio::sync::mpsc::UnboundedSender<Note>) -> std::io::Result<()> {
    Ok(())
}

//! One of two runs that differ, and how its segments are computed again.

use std::path::Path;
use std::sync::Arc;

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::{Executor, RunDir, initial_state};
use protocol::checkpoint::content_digest;
use protocol::{ChainEntry, HardwareClass, StateBuffer, Tier};

use super::BisectError;

/// A run on record.
pub struct Side {
    pub(super) package: Package,
    dir: RunDir,
    pub(super) chain: Vec<(ChainEntry, HardwareClass)>,
    devices: Vec<(Arc<dyn Device>, Option<HardwareClass>)>,
    forced: bool,
}

impl Side {
    /// The run in a directory. Its segments are computed again on `device`, or without one on a device of the class that computed them.
    ///
    /// # Errors
    /// It is no run directory, or has no chain.
    pub fn open(path: &Path, device: Option<Arc<dyn Device>>, present: &[Arc<dyn Device>]) -> Result<Self, BisectError> {
        let dir = RunDir::view(path)?;
        let chain: Vec<_> = dir.chain()?.into_iter().map(|line| (line.entry, line.class)).collect();
        if chain.len() < 2 {
            return Err(BisectError::Input(format!(
                "{}: its chain has {} boundaries: nothing was computed yet",
                path.display(),
                chain.len()
            )));
        }
        let package = dir.package().clone();
        let tier = package.manifest().tier;
        let forced = device.is_some();
        let devices = match device {
            Some(device) => vec![(device, None)],
            None => present
                .iter()
                .map(|device| (device.clone(), crate::class(&**device, tier)))
                .collect(),
        };
        Ok(Self {
            package,
            dir,
            chain,
            devices,
            forced,
        })
    }

    /// The device that computes segment `segment` again (1 is the first).
    pub(super) fn device(&self, segment: u64) -> Result<&Arc<dyn Device>, BisectError> {
        if self.forced {
            return Ok(&self.devices[0].0);
        }
        let class = self.chain[segment as usize].1;
        let found = self.devices.iter().find(|(_, here)| *here == Some(class));
        found.map(|(device, _)| device).ok_or_else(|| {
            let option = if class.tier == Tier::Portable { "a portable class" } else { "this class" };
            BisectError::Input(format!(
                "{}: segment {segment} was computed on class {class}, and no device here is of {option}: name one with --device-a or --device-b",
                self.dir.path().display()
            ))
        })
    }

    /// The state at the boundary after `segment` segments: from a checkpoint, or computed again from the last one before it.
    pub(super) fn state(&self, segment: u64) -> Result<Vec<StateBuffer>, BisectError> {
        let kept = (1..=segment).rev().find_map(|at| {
            let path = self.dir.checkpoint_path(at);
            let checkpoint = path.exists().then(|| self.dir.read_checkpoint(&path).ok())??;
            (checkpoint.entry == self.chain[at as usize].0).then_some((at, checkpoint.buffers))
        });
        let (mut at, mut state) = kept.unwrap_or_else(|| (0, initial_state(&self.package)));
        let mut open: Option<(String, Executor<'_>)> = None;
        while at < segment {
            let device = self.device(at + 1)?;
            let id = device.info().id.clone();
            if open.as_ref().is_none_or(|(sits, _)| *sits != id) {
                open = Some((id, Executor::open(&self.package, &**device, &SessionOptions::default())?));
            }
            let (_, executor) = open.as_mut().expect("it was just opened");
            executor.enter(at, &state)?;
            executor.advance(u64::MAX)?;
            state = executor.cross()?.state;
            at += 1;
            self.must_be(at, &state)?;
        }
        Ok(state)
    }

    /// Whether a state is the one on record after `segment` segments.
    pub(super) fn is(&self, segment: u64, state: &[StateBuffer]) -> bool {
        self.chain[segment as usize].0.content == content_digest(state)
    }

    fn must_be(&self, segment: u64, state: &[StateBuffer]) -> Result<(), BisectError> {
        if self.is(segment, state) {
            return Ok(());
        }
        Err(BisectError::Input(format!(
            "{}: segment {segment}, computed again on {}, ends otherwise than on record, before the two runs part: \
             name the device that computed it with --device-a or --device-b",
            self.dir.path().display(),
            self.device(segment)?.info().id
        )))
    }
}

//! The canary: before a device goes on with another device's class-bound work it computes the package's first segment, whose outcome is known.
//!
//! A class is measured by probes, which are not the package's own kernels. What the segment has to come to, a lease says without telling it
//! ([`protocol::http::lease::canary`]). A package that came out right on a device is not tried again until the device is looked for anew.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use kernels::package::Package;
use kernels::run::outputs::outputs_digest;
use kernels::run::{Control, Executor, Pilot, RunError, initial_boundary};
use protocol::checkpoint::content_digest;
use protocol::http::Lease;
use protocol::http::lease::canary;
use protocol::{ChainEntry, Digest, HardwareClass};

/// Steps between two questions to the pilot.
const STEPS_PER_STRETCH: u64 = 32;

/// What boundary 1 has to give under a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canary {
    epoch: u64,
    expected: Digest,
}

impl Canary {
    /// That of a lease; none where it asks for none.
    pub(crate) fn of(lease: &Lease) -> Option<Self> {
        lease.canary.map(|expected| Self {
            epoch: lease.epoch,
            expected,
        })
    }

    /// Compute the first segment and hold it against what is expected. False: the pilot stopped it before its end.
    ///
    /// # Errors
    /// The device's, or [`RunError::Canary`].
    pub(crate) fn holds(
        &self,
        package: &Package,
        executor: &mut Executor<'_>,
        class: HardwareClass,
        pilot: &mut dyn Pilot,
    ) -> Result<bool, RunError> {
        let (start, state) = initial_boundary(package);
        executor.enter(0, &state)?;
        while executor.steps_left() > 0 {
            if pilot.steer(0, executor.step()) != Control::Continue {
                return Ok(false);
            }
            executor.advance(STEPS_PER_STRETCH)?;
        }
        let found = match executor.cross() {
            // Where it was computed before there was no fault.
            Err(RunError::Fault { .. }) => return Err(RunError::Canary { class }),
            other => other?,
        };
        let outputs = outputs_digest(&found.outputs);
        let entry = ChainEntry::next(
            package.digest(),
            Some(&start),
            found.step,
            content_digest(&found.state),
            outputs,
        );
        match canary(self.epoch, entry.digest) == self.expected {
            true => Ok(true),
            false => Err(RunError::Canary { class }),
        }
    }
}

/// Packages of which the canary came out right on a device, by class.
#[derive(Debug, Default)]
pub(crate) struct Passed(Mutex<BTreeSet<(HardwareClass, Digest)>>);

impl Passed {
    /// Whether a package's did.
    pub(crate) fn has(&self, class: HardwareClass, package: Digest) -> bool {
        let passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.contains(&(class, package))
    }

    /// A package's did.
    pub(crate) fn note(&self, class: HardwareClass, package: Digest) {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.insert((class, package));
    }
}

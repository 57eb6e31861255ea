//! The next generation of a run: a package that begins with the state that the run has come to, and names its parent.
//!
//! Invariant: the new package's first state is the parent's, bit for bit, but for the flag that ends a run, which starts anew; and its `[parent]` says of which package and
//! boundary that state is. Both are part of its digest, so that a chain of generations leads back to the first state of the first package.

use std::collections::BTreeMap;

use protocol::StateBuffer;

use crate::package::manifest::{Element, Parent, Role};
use crate::package::{Manifest, Package, listed};

use super::state::{initial_boundary, initial_state};
use super::{RunDir, RunError};

/// Folder of the package's files for the state.
const STATE: &str = "state";

impl RunDir {
    /// The package `next`, which may be this run's own or one with other constants, passes and outputs, with this run's newest state as its first.
    ///
    /// What may be set of it is what leaves the state alone: settings that scale first contents of state buffers are gone.
    ///
    /// # Errors
    /// The newest checkpoint is not whole; or `next` is another package altogether, with other state buffers than this run's: the message names the first.
    pub fn next_generation(&self, next: &Package) -> Result<Package, RunError> {
        let (boundary, state) = self.newest_state()?;
        let own = self.package();
        if let Some(problem) = other_state(own, next) {
            return Err(RunError::folder(self.path(), problem));
        }
        let mut manifest = next.manifest().clone();
        manifest.parent = Some(Parent {
            package: own.digest(),
            boundary: boundary.digest,
            step: boundary.step,
        });
        let is_state = |name: &String| {
            own.manifest()
                .buffers
                .iter()
                .any(|buffer| buffer.role == Role::State && buffer.name == *name)
        };
        manifest.settings.retain(|_, setting| !setting.scales.keys().any(is_state));
        start_later(&mut manifest, own.manifest(), boundary.step);

        let mut init: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (index, buffer) in manifest.buffers.iter_mut().enumerate() {
            let is_flag = Some(&buffer.name) == manifest.run.done.as_ref();
            let found = state
                .iter()
                .find(|found| buffer.role == Role::State && !is_flag && found.name == buffer.name);
            if let Some(found) = found {
                (buffer.init, buffer.fill) = (Some(format!("{STATE}/{}.npy", buffer.name)), None);
                init.insert(buffer.name.clone(), found.bytes.clone());
            } else if buffer.init.is_some() {
                init.insert(buffer.name.clone(), next.initial(index));
            }
        }
        Ok(Package::new(manifest, next.shaders().clone(), init)?)
    }

    /// Whether this run began with the state that its package names: that of a boundary of `parent`.
    ///
    /// # Errors
    /// It names no parent, another package, or a boundary that `parent` does not have; the state there is not at hand, or it is another one.
    pub fn descends_from(&self, parent: &Self) -> Result<(), RunError> {
        let wrong = |problem: String| Err(RunError::folder(parent.path(), problem));
        let Some(named) = &self.package().manifest().parent else {
            return wrong(format!("cannot be its parent: {} names none", self.path().display()));
        };
        let found = parent.package().digest();
        if found != named.package {
            return wrong(format!(
                "is a run of package {found}, the parent is a run of package {}",
                named.package
            ));
        }
        let chain = parent.chain()?;
        let Some(line) = chain.iter().find(|line| line.entry.digest == named.boundary) else {
            return wrong(format!(
                "has no boundary {}, which the parent had at step {}",
                named.boundary, named.step
            ));
        };
        let segment = line.entry.segment;
        let (entry, state) = match segment {
            0 => initial_boundary(parent.package()),
            _ => {
                let checkpoint = parent.read_checkpoint(&parent.checkpoint_path(segment))?;
                (checkpoint.entry, checkpoint.buffers)
            }
        };
        if entry != line.entry {
            return wrong(format!(
                "holds a checkpoint of segment {segment} that is of another run than its chain"
            ));
        }
        let flag = self.package().manifest().run.done.as_ref();
        let first = initial_state(self.package());
        let differs = |buffer: &&StateBuffer| Some(&buffer.name) != flag && !first.contains(buffer);
        match state.iter().find(differs) {
            None => Ok(()),
            Some(buffer) => wrong(format!(
                "had another '{}' at step {}: this run did not begin there",
                buffer.name, entry.step
            )),
        }
    }
}

/// Why a run's state cannot be the first state of another package; none where it can.
fn other_state(own: &Package, next: &Package) -> Option<String> {
    let (theirs, ours) = (state_buffers(own), state_buffers(next));
    let name = theirs
        .keys()
        .chain(ours.keys())
        .find(|name| theirs.get(*name) != ours.get(*name))?;
    let words = |buffers: &BTreeMap<String, (Element, &[u64])>| match buffers.get(name) {
        Some((element, shape)) => format!("{element} {shape:?}"),
        None => format!("none among {}", listed(buffers.keys().map(String::as_str))),
    };
    Some(format!(
        "is a run of package '{}', which cannot be the parent of package '{}': state buffer '{name}' is {} there and {} here, expected the same state buffers",
        own.manifest().name,
        next.manifest().name,
        words(&theirs),
        words(&ours)
    ))
}

fn state_buffers(package: &Package) -> BTreeMap<String, (Element, &[u64])> {
    let buffers = package.manifest().buffers.iter().enumerate();
    let state = buffers.filter(|(_, buffer)| buffer.role == Role::State);
    let described = state.map(|(index, buffer)| (buffer.name.clone(), (buffer.element, package.shape(index))));
    described.collect()
}

/// Time and step of the new package's first state go on from those of its parent's.
fn start_later(next: &mut Manifest, parent: &Manifest, step: u64) {
    let before = &parent.run;
    if step > 0 || before.start_step.is_some() {
        next.run.start_step = Some(before.start_step.unwrap_or(0).saturating_add(step));
    }
    let passed = step as f64 * before.time_per_step.unwrap_or(0.0);
    if next.run.time_unit.is_some() && (passed > 0.0 || before.start_time.is_some()) {
        next.run.start_time = Some(before.start_time.unwrap_or(0.0) + passed);
    }
}

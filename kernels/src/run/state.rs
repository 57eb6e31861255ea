//! States in the standard layout: a package's initial one, and those that checkpoint files hold.
//!
//! Invariant: a state given by this module has the buffers of its package, in the package's order, each of its type and shape.

use std::path::Path;

use protocol::checkpoint::{Element, content_digest};
use protocol::{ChainEntry, Checkpoint, StateBuffer};

use crate::package::Package;
use crate::package::manifest::{self, Role};

use super::{RunDir, RunError, disk, outputs};

/// Room for a checkpoint's header, digests and incompressible payloads beside the state itself, bytes.
const CHECKPOINT_SLACK_BYTES: u64 = 1 << 21;

/// Indices of the state buffers among the package's buffers.
pub(super) fn state_ids(package: &Package) -> impl Iterator<Item = usize> {
    let buffers = package.manifest().buffers.iter().enumerate();
    buffers.filter(|(_, buffer)| buffer.role == Role::State).map(|(id, _)| id)
}

/// The initial state C0 of a package.
pub fn initial_state(package: &Package) -> Vec<StateBuffer> {
    state_ids(package)
        .map(|id| standard_buffer(package, id, package.initial(id)))
        .collect()
}

/// The initial boundary C0 of a package, with its state. It has no outputs.
pub fn initial_boundary(package: &Package) -> (ChainEntry, Vec<StateBuffer>) {
    let state = initial_state(package);
    let entry = ChainEntry::next(
        package.digest(),
        None,
        0,
        content_digest(&state),
        outputs::no_outputs_digest(package),
    );
    (entry, state)
}

impl RunDir {
    /// The newest boundary of a run directory that has a whole checkpoint, or C0, with its state.
    ///
    /// # Errors
    /// The chain cannot be read, or a checkpoint is of another run.
    pub fn newest_state(&self) -> Result<(ChainEntry, Vec<StateBuffer>), RunError> {
        for line in self.chain()?.into_iter().rev().filter(|line| line.entry.segment > 0) {
            let path = self.checkpoint_path(line.entry.segment);
            if path.is_file() {
                let checkpoint = self.read_checkpoint(&path)?;
                if checkpoint.entry != line.entry {
                    return Err(RunError::folder(&path, "is whole, but of another run than the chain"));
                }
                return Ok((line.entry, checkpoint.buffers));
            }
        }
        Ok(initial_boundary(self.package()))
    }
}

/// Standard bytes with the name, type and shape that the package gives them.
pub(super) fn standard_buffer(package: &Package, id: usize, bytes: Vec<u8>) -> StateBuffer {
    let buffer = &package.manifest().buffers[id];
    let element = match buffer.element {
        manifest::Element::F32 => Element::F32,
        manifest::Element::U32 => Element::U32,
        manifest::Element::I32 => Element::I32,
    };
    StateBuffer {
        name: buffer.name.clone(),
        element,
        shape: package.shape(id).to_vec(),
        bytes,
    }
}

/// The checkpoint in a file, when it is whole and fits the package. It is read, unpacked and digested once.
///
/// # Errors
/// What is wrong with it: the file system's answer, a damaged file, or a state of another package.
pub fn read_checkpoint(path: &Path, package: &Package) -> Result<Checkpoint, RunError> {
    let state_bytes = package.state_bytes();
    let bytes = disk::read(path, state_bytes + state_bytes / 64 + CHECKPOINT_SLACK_BYTES)?;
    let checkpoint = Checkpoint::from_bytes(&bytes, state_bytes).map_err(|error| RunError::folder(path, error.to_string()))?;
    let mut expected = state_ids(package).map(|id| standard_buffer(package, id, Vec::new()));
    let same = |found: &StateBuffer| {
        expected
            .next()
            .is_some_and(|buffer| (&found.name, found.element, &found.shape) == (&buffer.name, buffer.element, &buffer.shape))
    };
    let fits = checkpoint.buffers.iter().all(same) && expected.next().is_none();
    if checkpoint.package != package.digest() || !fits {
        let problem = format!("is of package {}, not of this run's {}", checkpoint.package, package.digest());
        return Err(RunError::folder(path, problem));
    }
    Ok(checkpoint)
}

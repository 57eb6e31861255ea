//! The last state as an output: `last.NAME` is one frame, the state buffer NAME at the newest boundary whose state is at hand.
//!
//! Names of outputs have no dot, so that no output of a package can be meant. What is taken is the exact bytes of a checkpoint that the chain covers.

use anyhow::Context;
use kernels::package::Package;
use kernels::package::manifest::Role;
use protocol::{ChainEntry, StateBuffer};

use super::{Frames, Shape, shape_of};
use crate::exit::Usage;

/// What names of such outputs begin with.
const PREFIX: &str = "last.";

/// The state buffer that the name of an output asks for, by its index in the manifest; none where the name is an output's of the package.
///
/// # Errors
/// The package has no such state buffer ([`Usage`]): the message names those that there are.
pub(crate) fn state_buffer(package: &Package, output: &str) -> anyhow::Result<Option<usize>> {
    let Some(name) = output.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let buffers = package.manifest().buffers.iter().enumerate();
    let mut state = buffers.filter(|(_, buffer)| buffer.role == Role::State);
    if let Some((index, _)) = state.clone().find(|(_, buffer)| buffer.name == name) {
        return Ok(Some(index));
    }
    let there: Vec<String> = state.by_ref().map(|(_, buffer)| format!("{PREFIX}{}", buffer.name)).collect();
    Err(Usage(format!(
        "{output:?}: the package has no such state buffer; there are: {}",
        there.join(", ")
    ))
    .into())
}

/// One frame: a state buffer at a boundary.
#[derive(Debug)]
pub(crate) struct LastState {
    shape: Shape,
    bytes: Vec<u8>,
    /// The size of the box, where it changes.
    size: f64,
}

impl LastState {
    /// A state buffer, by its index in the manifest, of the state at a boundary.
    ///
    /// # Errors
    /// The state is of another package.
    pub(crate) fn new(package: &Package, buffer: usize, at: &ChainEntry, state: &[StateBuffer]) -> anyhow::Result<Self> {
        let bytes = |name: &str| {
            let found = state.iter().find(|found| found.name == name);
            let found = found.map(|found| found.bytes.clone());
            found.with_context(|| format!("the state of boundary {} has no buffer '{name}'", at.segment))
        };
        let described = &package.manifest().buffers[buffer];
        let size = match &described.scale_by {
            None => 1.0,
            Some(name) => {
                let word = bytes(name)?.first_chunk().copied().context("a buffer of one f32")?;
                f64::from(f32::from_le_bytes(word))
            }
        };
        let mut shape = shape_of(package, buffer, format!("{PREFIX}{}", described.name), 1);
        shape.start_time += at.step as f64 * shape.time_per_step.as_ref().map_or(1.0, |(time, _)| *time);
        Ok(Self {
            shape,
            bytes: bytes(&described.name)?,
            size,
        })
    }
}

impl Frames for LastState {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn read(&mut self, _: u64) -> anyhow::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }

    fn count(&self) -> u64 {
        1
    }

    fn size(&mut self, _: u64) -> anyhow::Result<f64> {
        Ok(self.size)
    }
}

//! A package on a device: segments, and the one way across the boundary between them.

use device::{Command, Device, Session, SessionOptions};
use protocol::StateBuffer;

use crate::package::Package;
use crate::package::layout;
use crate::package::manifest::Role;

use super::RunError;
use super::plan::{Plan, index};
use super::state::{standard_buffer, state_ids};

/// What a boundary leaves on the host, all of it in the standard layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Segments before it.
    pub segment: u64,
    /// Steps before it.
    pub step: u64,
    /// The state.
    pub state: Vec<StateBuffer>,
    /// For each output of the package, the rows of the segment, one behind the other.
    pub outputs: Vec<Vec<u8>>,
}

/// A package on a device, somewhere within a segment.
pub struct Executor<'a> {
    package: &'a Package,
    session: Box<dyn Session>,
    plan: Plan,
    state: Vec<usize>,
    /// What a boundary clears: scratch, observables and logs.
    cleared: Vec<Command>,
    fault: Option<usize>,
    segment: u64,
    step: u64,
    commands: Vec<Command>,
}

impl<'a> Executor<'a> {
    /// Compile a package on a device and upload its constants. [`Executor::enter`] comes next.
    ///
    /// # Errors
    /// The device's.
    pub fn open(package: &'a Package, device: &dyn Device, options: &SessionOptions) -> Result<Self, RunError> {
        let (plan, program) = Plan::new(package);
        let mut session = device.open(&program, options)?;
        let buffers = &package.manifest().buffers;
        let with_role = |role| {
            buffers
                .iter()
                .enumerate()
                .filter(move |(_, buffer)| buffer.role == role)
                .map(|(id, _)| id)
        };
        for buffer in with_role(Role::Constant) {
            session.write(buffer, 0, &layout::unpack(buffers[buffer].layout, &package.initial(buffer)))?;
        }
        let logs = plan.logs.iter().map(|log| log.buffer);
        let cleared = with_role(Role::Scratch)
            .chain(with_role(Role::Observable))
            .chain(logs)
            .map(Command::Clear)
            .collect();
        let fault = buffers
            .iter()
            .position(|buffer| buffer.name == "fault" && buffer.role == Role::Observable);
        let state = state_ids(package).collect();
        Ok(Self {
            package,
            session,
            plan,
            state,
            cleared,
            fault,
            segment: 0,
            step: 0,
            commands: Vec::new(),
        })
    }

    /// Begin a segment from a state in the standard layout: everything else is cleared, the state is loaded.
    ///
    /// Every segment begins here, whether its state was just computed, read from a file, or is the initial one.
    ///
    /// # Errors
    /// The device's.
    pub fn enter(&mut self, segment: u64, state: &[StateBuffer]) -> Result<(), RunError> {
        assert_eq!(
            state.len(),
            self.state.len(),
            "a checkpoint is checked against its package when it is read"
        );
        self.session.submit(&self.cleared)?;
        for (&buffer, standard) in self.state.iter().zip(state) {
            let layout = self.package.manifest().buffers[buffer].layout;
            self.session.write(buffer, 0, &layout::unpack(layout, &standard.bytes))?;
        }
        self.segment = segment;
        self.step = segment * self.package.manifest().run.steps_per_segment;
        Ok(())
    }

    /// Steps until the next boundary.
    pub fn steps_left(&self) -> u64 {
        (self.segment + 1) * self.package.manifest().run.steps_per_segment - self.step
    }

    /// Steps handed to the device so far.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Hand at most `steps` steps to the device, and not beyond the next boundary.
    ///
    /// # Errors
    /// The device's, perhaps about earlier steps.
    pub fn advance(&mut self, steps: u64) -> Result<(), RunError> {
        let end = self.step + steps.min(self.steps_left());
        self.commands.clear();
        for step in self.step..end {
            self.plan.step(step, None, &mut self.commands);
        }
        self.step = end;
        Ok(self.session.submit(&self.commands)?)
    }

    /// Wait until the device has done all that it was handed.
    ///
    /// # Errors
    /// The device's.
    pub fn wait(&mut self) -> Result<(), RunError> {
        Ok(self.session.wait()?)
    }

    /// Cross the boundary at the end of a segment: flush, standard layout, clear, reload. The only way there is.
    ///
    /// # Errors
    /// The device's, or [`RunError::Fault`].
    pub fn cross(&mut self) -> Result<Boundary, RunError> {
        assert_eq!(self.steps_left(), 0, "a boundary lies at the end of a segment");
        let boundary = self.flush()?;
        self.enter(boundary.segment, &boundary.state)?;
        Ok(boundary)
    }

    fn flush(&mut self) -> Result<Boundary, RunError> {
        let logs = self.plan.logs.iter().map(|log| log.buffer);
        let wanted: Vec<usize> = self.state.iter().copied().chain(logs).chain(self.fault).collect();
        let mut bytes = self.session.read(&wanted)?.into_iter();
        let state = self
            .state
            .iter()
            .map(|&id| self.standard(id, &bytes.next().expect("one for each asked for")));
        let state = state.collect();
        let outputs = self.plan.logs.iter();
        let outputs = outputs
            .map(|log| pack(self.package, log.source, &bytes.next().expect("one for each asked for")))
            .collect();
        if let Some(fault) = bytes.next() {
            self.check_fault(&fault)?;
        }
        Ok(Boundary {
            segment: self.segment + 1,
            step: self.step,
            state,
            outputs,
        })
    }

    fn standard(&self, id: usize, device_bytes: &[u8]) -> StateBuffer {
        standard_buffer(self.package, id, pack(self.package, id, device_bytes))
    }

    fn check_fault(&self, bytes: &[u8]) -> Result<(), RunError> {
        match bytes.first_chunk().copied().map_or(0, u32::from_le_bytes) {
            0 => Ok(()),
            value => {
                let meaning = self.package.manifest().faults.get(&value.to_string());
                let meaning = meaning.map_or(String::new(), |meaning| format!(": {meaning}"));
                Err(RunError::Fault {
                    segment: self.segment + 1,
                    value,
                    meaning,
                })
            }
        }
    }

    /// Hand the first `passes` passes of the next step to the device, then return the contents of every buffer of the package in the
    /// standard layout, in the manifest's order. The segment does not go on from there: [`Executor::enter`] comes next.
    ///
    /// # Errors
    /// The device's.
    pub fn look_into_step(&mut self, passes: usize) -> Result<Vec<Vec<u8>>, RunError> {
        self.commands.clear();
        if let Some(until) = passes.checked_sub(1) {
            self.plan.step(self.step, Some(until), &mut self.commands);
        }
        self.session.submit(&self.commands)?;
        let all: Vec<usize> = (0..self.package.manifest().buffers.len()).collect();
        let bytes = self.session.read(&all)?;
        Ok(all
            .iter()
            .zip(bytes)
            .map(|(&id, bytes)| pack(self.package, id, &bytes))
            .collect())
    }

    /// Step 0 up to and including a pass, then the contents of some buffers in the standard layout.
    pub(super) fn probe(&mut self, until: &str, buffers: &[usize]) -> Result<Vec<Vec<u8>>, RunError> {
        let until = index(self.package.manifest().passes.iter().map(|pass| &pass.name), until);
        self.commands.clear();
        self.plan.step(0, Some(until), &mut self.commands);
        self.session.submit(&self.commands)?;
        if let Some(fault) = self.fault {
            let bytes = self.session.read(&[fault])?;
            self.check_fault(&bytes[0])?;
        }
        let bytes = self.session.read(buffers)?;
        Ok(buffers
            .iter()
            .zip(bytes)
            .map(|(&id, bytes)| pack(self.package, id, &bytes))
            .collect())
    }
}

/// Device bytes of a buffer, one row or several, in the standard layout.
fn pack(package: &Package, id: usize, device_bytes: &[u8]) -> Vec<u8> {
    layout::pack(package.manifest().buffers[id].layout, device_bytes).into_owned()
}

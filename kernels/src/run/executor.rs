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

/// Most times that scratch capacity is doubled, over all faults that ask for it, until the executor is opened anew: at most 2⁴ = 16 times what the package asks for.
const GROWTHS_MAX: u32 = 4;

/// A package on a device, somewhere within a segment.
pub struct Executor<'a> {
    package: &'a Package,
    device: &'a dyn Device,
    options: SessionOptions,
    running: Running,
    room: Room,
    /// The state that the segment began from: kept where it may have to begin again.
    entered: Vec<StateBuffer>,
    segment: u64,
    step: u64,
    commands: Vec<Command>,
}

/// How often there was more room to be made.
#[derive(Default)]
struct Room {
    growths: u32,
    /// The package with more room.
    grown: Option<Package>,
    /// What was made larger last, and why.
    made: String,
}

/// A package compiled for a device.
struct Running {
    session: Box<dyn Session>,
    plan: Plan,
    state: Vec<usize>,
    /// What a boundary clears: scratch, observables and logs.
    cleared: Vec<Command>,
    fault: Option<usize>,
}

impl<'a> Executor<'a> {
    /// Compile a package on a device and upload its constants. [`Executor::enter`] comes next.
    ///
    /// # Errors
    /// The device's.
    pub fn open(package: &'a Package, device: &'a dyn Device, options: &SessionOptions) -> Result<Self, RunError> {
        Ok(Self {
            package,
            device,
            options: options.clone(),
            running: Running::open(package, device, options)?,
            room: Room::default(),
            entered: Vec::new(),
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
    ///
    /// # Panics
    /// The state has another number of buffers than the package.
    pub fn enter(&mut self, segment: u64, state: &[StateBuffer]) -> Result<(), RunError> {
        if !self.package.manifest().grow.is_empty() {
            state.clone_into(&mut self.entered);
        }
        self.load(segment, state)
    }

    fn load(&mut self, segment: u64, state: &[StateBuffer]) -> Result<(), RunError> {
        self.running.load(self.package, state)?;
        self.segment = segment;
        self.step = segment * self.package.manifest().run.steps_per_segment;
        Ok(())
    }

    /// The package that it runs.
    pub(super) fn package(&self) -> &Package {
        self.package
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
            self.running.plan.step(step, None, &mut self.commands);
        }
        self.step = end;
        Ok(self.running.session.submit(&self.commands)?)
    }

    /// Wait until the device has done all that it was handed.
    ///
    /// # Errors
    /// The device's.
    pub fn wait(&mut self) -> Result<(), RunError> {
        Ok(self.running.session.wait()?)
    }

    /// Cross the boundary at the end of a segment: flush, standard layout, clear, reload. The only way there is. A segment that turns out to need more
    /// room, see `grow` of the manifest, is computed again with more.
    ///
    /// # Errors
    /// The device's, or [`RunError::Fault`].
    ///
    /// # Panics
    /// The segment has steps left.
    pub fn cross(&mut self) -> Result<Boundary, RunError> {
        loop {
            if let Some(boundary) = self.cross_or_grow()? {
                return Ok(boundary);
            }
            self.advance(u64::MAX)?;
        }
    }

    /// As [`Executor::cross`]. None: there is more room now, and the segment has all its steps left.
    ///
    /// # Errors
    /// As [`Executor::cross`].
    pub(super) fn cross_or_grow(&mut self) -> Result<Option<Boundary>, RunError> {
        assert_eq!(self.steps_left(), 0, "a boundary lies at the end of a segment");
        let (mut boundary, fault) = self.running.flush(self.package)?;
        if fault != 0 {
            return self.grow(fault).map(|()| None);
        }
        boundary.segment = self.segment + 1;
        boundary.step = self.step;
        self.enter(boundary.segment, &boundary.state)?;
        Ok(Some(boundary))
    }

    /// Make the room that a fault asks for, and begin the segment again.
    fn grow(&mut self, fault: u32) -> Result<(), RunError> {
        let roomy = self.room.grown.as_ref().unwrap_or(self.package);
        let grown = match roomy.grown(fault) {
            Some(Ok(grown)) if self.room.growths < GROWTHS_MAX => grown,
            _ => return Err(self.fault(fault)),
        };
        self.running = Running::open(&grown, self.device, &self.options)?;
        let names = &grown.manifest().grow[&fault.to_string()];
        let made: Vec<String> = names
            .iter()
            .map(|name| format!("{name} = {}", grown.manifest().constants[name]))
            .collect();
        self.room = Room {
            made: format!("{} (fault {fault}{})", made.join(", "), self.meaning(fault)),
            growths: self.room.growths + 1,
            grown: Some(grown),
        };
        let entered = std::mem::take(&mut self.entered);
        self.load(self.segment, &entered)?;
        self.entered = entered;
        Ok(())
    }

    /// What was made larger last, and which fault asked for it; empty where nothing was.
    pub(super) fn made(&self) -> &str {
        &self.room.made
    }

    fn fault(&self, value: u32) -> RunError {
        RunError::Fault {
            segment: self.segment + 1,
            value,
            meaning: self.meaning(value),
        }
    }

    fn meaning(&self, fault: u32) -> String {
        let meaning = self.package.manifest().faults.get(&fault.to_string());
        meaning.map_or(String::new(), |meaning| format!(": {meaning}"))
    }

    /// Hand the first `passes` passes of the next step to the device, then return the contents of every buffer of the package in the
    /// standard layout, in the manifest's order. The segment does not go on from there: [`Executor::enter`] comes next.
    ///
    /// # Errors
    /// The device's.
    pub fn look_into_step(&mut self, passes: usize) -> Result<Vec<Vec<u8>>, RunError> {
        self.commands.clear();
        if let Some(until) = passes.checked_sub(1) {
            self.running.plan.step(self.step, Some(until), &mut self.commands);
        }
        self.running.session.submit(&self.commands)?;
        let all: Vec<usize> = (0..self.package.manifest().buffers.len()).collect();
        self.running.read(self.package, &all)
    }

    /// Step 0 up to and including a pass, then the contents of some buffers in the standard layout.
    pub(super) fn probe(&mut self, until: &str, buffers: &[usize]) -> Result<Vec<Vec<u8>>, RunError> {
        let until = index(self.package.manifest().passes.iter().map(|pass| &pass.name), until);
        loop {
            self.commands.clear();
            self.running.plan.step(0, Some(until), &mut self.commands);
            self.running.session.submit(&self.commands)?;
            let fault = self.running.fault_value()?;
            if fault == 0 {
                return self.running.read(self.package, buffers);
            }
            self.grow(fault)?;
        }
    }
}

impl Running {
    fn open(package: &Package, device: &dyn Device, options: &SessionOptions) -> Result<Self, RunError> {
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
            session,
            plan,
            state,
            cleared,
            fault,
        })
    }

    /// Clear everything, then load a state.
    fn load(&mut self, package: &Package, state: &[StateBuffer]) -> Result<(), RunError> {
        assert_eq!(
            state.len(),
            self.state.len(),
            "a checkpoint is checked against its package when it is read"
        );
        self.session.submit(&self.cleared)?;
        for (&buffer, standard) in self.state.iter().zip(state) {
            let layout = package.manifest().buffers[buffer].layout;
            self.session.write(buffer, 0, &layout::unpack(layout, &standard.bytes))?;
        }
        Ok(())
    }

    /// State and outputs in the standard layout, of a boundary without its place in the run; and the value of `fault`.
    fn flush(&mut self, package: &Package) -> Result<(Boundary, u32), RunError> {
        let logs = self.plan.logs.iter().map(|log| log.buffer);
        let wanted: Vec<usize> = self.state.iter().copied().chain(logs).chain(self.fault).collect();
        let mut bytes = self.session.read(&wanted)?.into_iter();
        let mut next = || bytes.next().expect("one for each asked for");
        let state = self.state.iter();
        let state = state
            .map(|&id| standard_buffer(package, id, pack(package, id, &next())))
            .collect();
        let outputs = self.plan.logs.iter();
        let outputs = outputs.map(|log| pack(package, log.source, &next())).collect();
        let fault = self.fault.map_or(0, |_| first_word(&next()));
        let boundary = Boundary {
            segment: 0,
            step: 0,
            state,
            outputs,
        };
        Ok((boundary, fault))
    }

    fn fault_value(&mut self) -> Result<u32, RunError> {
        let Some(fault) = self.fault else { return Ok(0) };
        Ok(first_word(&self.session.read(&[fault])?[0]))
    }

    fn read(&mut self, package: &Package, buffers: &[usize]) -> Result<Vec<Vec<u8>>, RunError> {
        let bytes = self.session.read(buffers)?;
        let read = buffers.iter().zip(bytes);
        Ok(read.map(|(&id, bytes)| pack(package, id, &bytes)).collect())
    }
}

fn first_word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().copied().map_or(0, u32::from_le_bytes)
}

/// Device bytes of a buffer, one row or several, in the standard layout.
fn pack(package: &Package, id: usize, device_bytes: &[u8]) -> Vec<u8> {
    layout::pack(package.manifest().buffers[id].layout, device_bytes).into_owned()
}

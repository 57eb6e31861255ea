//! How fast a device runs a package: by whole segments, and pass by pass.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use device::{Command, Device, Session, SessionOptions};
use kernels::package::manifest::{Indirect, Role};
use kernels::package::{Package, layout};
use kernels::run::{Executor, initial_state};

use crate::molecules::processor_ms;

/// How many readings are made.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// So many.
    Readings(usize),
    /// Three at least, and on until the time is over.
    Over(Duration),
}

/// Steps per second of a package, a segment with its boundary a reading. The first segment is left out: it warms up.
///
/// # Errors
/// The package does not run on the device.
pub fn rates(package: &Package, device: &dyn Device, until: Until) -> Result<Vec<f64>> {
    let steps = package.manifest().run.steps_per_segment as f64;
    let mut executor = Executor::open(package, device, &SessionOptions::default())?;
    executor.enter(0, &initial_state(package))?;
    let mut rates = Vec::new();
    let mut segment = || -> Result<f64> {
        let start = Instant::now();
        executor.advance(u64::MAX)?;
        executor.cross()?;
        Ok(steps / start.elapsed().as_secs_f64())
    };
    segment()?;
    let start = Instant::now();
    while match until {
        Until::Readings(count) => rates.len() < count,
        Until::Over(time) => rates.len() < 3 || start.elapsed() < time,
    } {
        rates.push(segment()?);
    }
    Ok(rates)
}

/// One dispatch, alone on the device.
#[derive(Clone, Copy, Debug)]
pub struct DispatchRun {
    /// See [`Session::time`].
    pub time: Duration,
    /// What it took of all threads, ms; 0 where the platform does not tell.
    pub processor_ms: f64,
    /// There were workgroups to run.
    pub ran: bool,
}

/// What a package's steps are made of.
#[derive(Debug)]
pub struct Timing {
    /// Each pass's dispatches: one list for each pass of the manifest.
    pub passes: Vec<Vec<DispatchRun>>,
    /// Each of the steps that come then, all of its dispatches handed over together.
    pub steps: Vec<Duration>,
}

/// Times `steps` steps dispatch by dispatch, after `warm` steps, and then as many whole ones.
///
/// # Errors
/// The package does not run on the device.
pub fn passes(package: &Package, device: &dyn Device, options: &SessionOptions, warm: u64, steps: u64) -> Result<Timing> {
    let mut session = device.open(&package.program(), options)?;
    let manifest = package.manifest();
    for (id, buffer) in manifest.buffers.iter().enumerate() {
        if matches!(buffer.role, Role::State | Role::Constant) {
            session.write(id, 0, &layout::unpack(buffer.layout, &package.initial(id)))?;
        }
    }
    let of_step = |step: u64| -> Vec<Command> {
        let passes = manifest.passes.iter().enumerate();
        let in_step = passes.filter(|(_, declared)| step % declared.every == declared.offset);
        let dispatch = |(pass, _)| Command::Dispatch {
            pass,
            workgroups: package.workgroups(pass),
            step,
        };
        in_step.map(dispatch).collect()
    };
    for step in 0..warm {
        session.submit(&of_step(step))?;
    }
    let mut passes: Vec<Vec<DispatchRun>> = manifest.passes.iter().map(|_| Vec::new()).collect();
    for command in (warm..warm + steps).flat_map(of_step) {
        let Command::Dispatch { pass, .. } = command else { continue };
        let used = processor_ms().unwrap_or_default();
        let time = session.time(&[command])?;
        let processor_ms = processor_ms().unwrap_or_default() - used;
        let ran = match &manifest.passes[pass].indirect {
            Some(indirect) => workgroups_at(package, session.as_mut(), indirect)? > 0,
            None => true,
        };
        passes[pass].push(DispatchRun { time, processor_ms, ran });
    }
    let whole = (warm + steps..warm + 2 * steps).map(|step| session.time(&of_step(step)));
    let steps = whole.collect::<Result<Vec<_>, _>>()?;
    if let Some(fault) = manifest.buffers.iter().position(|buffer| buffer.name == "fault") {
        let bytes = session.read(&[fault])?.remove(0);
        let fault = bytes.first_chunk().copied().map_or(0, u32::from_le_bytes);
        ensure!(fault == 0, "fault {fault}: what was timed is not the package's work");
    }
    Ok(Timing { passes, steps })
}

/// How many workgroups, along x, a buffer asks for.
fn workgroups_at(package: &Package, session: &mut dyn Session, indirect: &Indirect) -> Result<u32> {
    let buffers = &package.manifest().buffers;
    let id = buffers.iter().position(|buffer| buffer.name == indirect.buffer);
    let words = session.read(&[id.context("the package was checked")?])?.remove(0);
    let at = 4 * indirect.element as usize;
    let word = words.get(at..at + 4).context("the package was checked")?;
    Ok(u32::from_le_bytes(word.try_into()?))
}

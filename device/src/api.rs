//! What every device offers: a [`Device`] opens a [`Program`] and gives a [`Session`].
//!
//! Invariant: the bytes a session ends with are a function of the program, of what was written to its buffers and of the
//! ordered list of commands alone. How a device cuts, batches or spreads the work never shows in them.

use std::time::{Duration, Instant};

use crate::{BufferId, DeviceError, PassId, Program, Workgroups};

/// What a device is, as its driver tells it. Behaviour is measured elsewhere (`fpcheck`), never read from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Short name to select it by, unique on this machine: `cpu`, `vulkan:0`.
    pub id: String,
    /// Name for people: `llvmpipe (LLVM 15.0.6, 256 bits)`.
    pub name: String,
    /// `cpu`, `vulkan`, `metal`, `dx12` or `gl`.
    pub backend: String,
    /// What sort of hardware stands behind it.
    pub kind: DeviceKind,
    /// PCI vendor number, 0 where there is none.
    pub vendor: u32,
    /// PCI device number, 0 where there is none.
    pub device: u32,
    /// Driver's name and version, empty where there is none.
    pub driver: String,
    /// The compilers between WGSL and the device, with versions: part of a class-bound identity.
    pub compiler: String,
}

/// What sort of hardware a device is; `auto` prefers them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceKind {
    /// A graphics card of its own.
    DiscreteGpu,
    /// Graphics inside the processor, or of a virtual machine.
    IntegratedGpu,
    /// Baton's own compiler and runtime on the processor.
    BuiltInCpu,
    /// A graphics driver that runs on the processor (lavapipe, SwiftShader), or one of unknown nature.
    SoftwareGpu,
}

/// One thing to do. Commands take effect in order, each seeing all that those before it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run a pass.
    Dispatch {
        /// Which.
        pass: PassId,
        /// How many workgroups.
        workgroups: Workgroups,
        /// What [`crate::Resource::Clock`] shows.
        step: u64,
    },
    /// Copy bytes from one buffer to another one. Offsets and size are multiples of 4.
    Copy {
        /// From.
        source: BufferId,
        /// Byte offset in `source`.
        source_offset: u64,
        /// To; not `source`.
        target: BufferId,
        /// Byte offset in `target`.
        target_offset: u64,
        /// Bytes.
        size: u64,
    },
    /// Fill a whole buffer with zero.
    Clear(BufferId),
}

/// How a session runs. None of this may change a bit of any result.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// At most this many commands in one submit; without it the device adapts to [`SessionOptions::submit_ms`].
    pub commands_per_submit_max: Option<usize>,
    /// Length aimed at for one submit, milliseconds; 30 when absent.
    pub submit_ms: Option<f32>,
    /// CPU device: threads; all cores when absent.
    pub threads: Option<usize>,
    /// CPU device: run workgroups in the permutation that this seed gives, instead of in order.
    pub workgroup_order_seed: Option<u64>,
    /// CPU device: report out-of-bounds accesses, exceptional floats and data races instead of defining them away.
    pub checked: bool,
    /// Vulkan, portable tier: leave `NoContraction` and the float controls out (llvmpipe's controls alone keep it from folding). A mutant,
    /// with which tests show that the conformance suite notices.
    #[doc(hidden)]
    pub loose: bool,
}

/// A program on a device, with its buffers.
pub trait Session: Send {
    /// Write `bytes` into a buffer at a byte offset; both multiples of 4.
    ///
    /// # Errors
    /// Outside the buffer, or the device failed.
    fn write(&mut self, buffer: BufferId, offset: u64, bytes: &[u8]) -> Result<(), DeviceError>;

    /// Queue commands. Returns when they are queued, or later: a device keeps only a bounded amount of work in flight.
    ///
    /// # Errors
    /// A command that does not fit the program, or the device failed, perhaps on earlier work.
    fn submit(&mut self, commands: &[Command]) -> Result<(), DeviceError>;

    /// Wait for all queued work.
    ///
    /// # Errors
    /// The device failed.
    fn wait(&mut self) -> Result<(), DeviceError>;

    /// How long commands take, from the start of the first to the end of the last, with nothing else on the device: by the device's own clock where
    /// it has one and all of them are dispatches, otherwise from the submission to the end.
    ///
    /// # Errors
    /// As [`Session::submit`].
    fn time(&mut self, commands: &[Command]) -> Result<Duration, DeviceError> {
        time_by_waiting(self, commands)
    }

    /// Wait for all queued work, then return the whole contents of the buffers, in the order asked for.
    ///
    /// # Errors
    /// The device failed.
    fn read(&mut self, buffers: &[BufferId]) -> Result<Vec<Vec<u8>>, DeviceError>;
}

/// [`Session::time`] without a clock of the device.
pub(crate) fn time_by_waiting<S: Session + ?Sized>(session: &mut S, commands: &[Command]) -> Result<Duration, DeviceError> {
    session.wait()?;
    let start = Instant::now();
    session.submit(commands)?;
    session.wait()?;
    Ok(start.elapsed())
}

/// Something that runs WGSL compute.
pub trait Device: Send + Sync {
    /// What it is.
    fn info(&self) -> &DeviceInfo;

    /// Compile a program and allocate its buffers, all zero.
    ///
    /// # Errors
    /// The program is wrong ([`DeviceError::Shader`], [`DeviceError::Program`]), exceeds what the device can hold
    /// ([`DeviceError::Limit`], [`DeviceError::OutOfMemory`]), or the device failed.
    fn open(&self, program: &Program, options: &SessionOptions) -> Result<Box<dyn Session>, DeviceError>;
}

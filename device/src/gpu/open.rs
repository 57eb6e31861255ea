//! A program's buffers and passes, on a device of its own.
//!
//! Invariant: a program that opens keeps every rule that wgpu would otherwise complain about later, so that a session
//! fails on a bad command with words of its own, or because the device failed.

use protocol::Tier;
use wgpu::{
    BindGroup, Buffer, BufferDescriptor, BufferUsages, ComputePipeline, DeviceDescriptor, DownlevelFlags, Features, Limits,
    Queue,
};
use wgsl::{Access, Bound};

use super::counts::{Guard, Shadow};
use super::faults::Faults;
use super::limits;
use super::list::Gpu;
use super::loops::{self, Unfinished};
use super::pacing::COMMANDS_MAX;
use super::pipelines::{self, CLOCK_BYTES};
use super::session::GpuSession;
use super::strict::{self, Controls};
use crate::{DeviceError, Program, Resource, SessionOptions};

/// A program on a device.
pub(super) struct Opened {
    pub(super) device: wgpu::Device,
    pub(super) queue: Queue,
    pub(super) faults: Faults,
    pub(super) limits: Limits,
    pub(super) controls: Controls,
    /// Passes go to the driver as our own SPIR-V.
    pub(super) own_spirv: bool,
    pub(super) buffers: Vec<OpenBuffer>,
    pub(super) guard: Guard,
    pub(super) passes: Vec<OpenPass>,
    pub(super) clock: Buffer,
    /// Bytes from one entry of the clock's buffer to the next.
    pub(super) clock_stride: u32,
}

/// A buffer of the program.
pub(super) struct OpenBuffer {
    pub(super) label: String,
    pub(super) size: u64,
    /// What indirect dispatches read, where it is declared indirect.
    pub(super) shadow: Option<Shadow>,
    pub(super) gpu: Buffer,
}

/// A pass of the program.
pub(super) struct OpenPass {
    pub(super) label: String,
    pub(super) pipeline: ComputePipeline,
    pub(super) group: BindGroup,
    /// How many of its bindings show the clock.
    pub(super) clocks: usize,
    /// Buffers that it may write.
    pub(super) writes: Vec<usize>,
    /// Where its loops are watched.
    pub(super) unfinished: Option<Unfinished>,
}

/// Open a program.
pub(super) fn open(gpu: &Gpu, program: &Program, options: &SessionOptions) -> Result<GpuSession, DeviceError> {
    let stages = loops::read(gpu, program)?;
    with(gpu, program, &stages, options)
}

/// Open a program that was read.
pub(super) fn with(
    gpu: &Gpu,
    program: &Program,
    stages: &[Bound],
    options: &SessionOptions,
) -> Result<GpuSession, DeviceError> {
    let Gpu { adapter, info, .. } = gpu;
    let own_spirv = strict::is_possible(adapter);
    if program.tier == Tier::Portable && !own_spirv {
        return Err(DeviceError::Program(format!(
            "{} ({}) cannot run the portable tier, which needs Vulkan 1.2 or later for exact arithmetic; the cpu device can",
            info.id, info.name
        )));
    }
    if program.buffers.iter().any(|buffer| buffer.indirect)
        && !adapter
            .get_downlevel_capabilities()
            .flags
            .contains(DownlevelFlags::INDIRECT_EXECUTION)
    {
        return Err(DeviceError::Program(format!(
            "{} ({}) has no indirect dispatch",
            info.id, info.name
        )));
    }
    let limits = limits::of(adapter);
    limits::within(program, stages, &limits)?;

    let own = if own_spirv {
        Features::PASSTHROUGH_SHADERS
    } else {
        Features::empty()
    };
    let required_features = own | (adapter.features() & Features::TIMESTAMP_QUERY);
    let controls = match program.tier {
        Tier::Portable => strict::controls(adapter).or_loose(options.loose),
        Tier::ClassBound => Controls::stock(),
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&DeviceDescriptor {
        label: Some("baton"),
        required_features,
        required_limits: limits.clone(),
        ..DeviceDescriptor::default()
    }))
    .map_err(|error| DeviceError::Lost(format!("it does not open: {error}")))?;
    let faults = Faults::listen(&device);

    let clock_stride = limits.min_uniform_buffer_offset_alignment.max(CLOCK_BYTES as u32);
    let clock = device.create_buffer(&BufferDescriptor {
        label: Some("clock"),
        size: u64::from(clock_stride) * COMMANDS_MAX as u64,
        usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    faults.check(|| "allocates the clock".to_owned())?;
    let guard = Guard::new(&device);
    faults.check(|| "compiles the guard of workgroup counts".to_owned())?;
    let buffers = buffers(&device, &faults, &guard, program, stages)?;
    let mut opened = Opened {
        device,
        queue,
        faults,
        limits,
        controls,
        own_spirv,
        buffers,
        guard,
        passes: Vec::new(),
        clock,
        clock_stride,
    };
    opened.passes = pipelines::passes(&opened, program, stages)?;
    Ok(GpuSession::new(opened, options))
}

fn buffers(
    device: &wgpu::Device,
    faults: &Faults,
    guard: &Guard,
    program: &Program,
    stages: &[Bound],
) -> Result<Vec<OpenBuffer>, DeviceError> {
    let mut uniform = vec![false; program.buffers.len()];
    for binding in stages.iter().flat_map(|bound| &bound.bindings) {
        if let (Resource::Buffer(id), Access::Uniform) = (binding.resource, binding.access) {
            uniform[id] = true;
        }
    }
    let mut buffers = Vec::with_capacity(program.buffers.len());
    for (desc, uniform) in program.buffers.iter().zip(uniform) {
        let mut usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        usage.set(BufferUsages::UNIFORM, uniform);
        let gpu = device.create_buffer(&BufferDescriptor {
            label: Some(&desc.label),
            size: desc.size,
            usage,
            mapped_at_creation: false,
        });
        let shadow = desc.indirect.then(|| guard.shadow(device, &gpu));
        faults.check(|| format!("allocates buffer '{}' of {} bytes", desc.label, desc.size))?;
        buffers.push(OpenBuffer {
            label: desc.label.clone(),
            size: desc.size,
            shadow,
            gpu,
        });
    }
    Ok(buffers)
}

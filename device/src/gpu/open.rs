//! A program's buffers, layouts, pipelines and bind groups on a device of its own.
//!
//! Invariant: a program that opens keeps every rule that wgpu would otherwise complain about later, so that a session
//! fails on a bad command with words of its own, or because the device failed.

use std::num::NonZeroU64;

use protocol::Tier;
use wgpu::{
    Adapter, BindGroup, BindGroupDescriptor, BindGroupEntry, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingResource,
    BindingType, Buffer, BufferBinding, BufferBindingType, BufferDescriptor, BufferUsages, ComputePipeline,
    ComputePipelineDescriptor, DeviceDescriptor, DownlevelFlags, Features, Limits, PipelineCompilationOptions,
    PipelineLayoutDescriptor, Queue, ShaderModule, ShaderModuleDescriptor, ShaderModuleDescriptorPassthrough, ShaderSource,
    ShaderStages,
};

use super::faults::Faults;
use super::pacing::COMMANDS_MAX;
use super::reflect::{self, Access, Binding, Stage};
use super::session::GpuSession;
use super::strict;
use crate::{DeviceError, DeviceInfo, PassDesc, Program, Resource, SessionOptions};

/// Workgroups in one dimension of a dispatch, the same on every device: an indirect dispatch above it runs nothing, so
/// that a device's own limit would show in results.
const WORKGROUPS_MAX: u32 = 65_535;

/// Bindings of a pass that show the clock: wgpu's default limit, which every device has.
pub(super) const CLOCKS_MAX: usize = 8;

/// Bytes of the clock that a shader sees.
const CLOCK_BYTES: u64 = 16;

/// A program on a device.
pub(super) struct Opened {
    pub(super) device: wgpu::Device,
    pub(super) queue: Queue,
    pub(super) faults: Faults,
    pub(super) limits: Limits,
    pub(super) buffers: Vec<OpenBuffer>,
    pub(super) passes: Vec<OpenPass>,
    pub(super) clock: Buffer,
    /// Bytes from one entry of the clock's buffer to the next.
    pub(super) clock_stride: u32,
}

/// A buffer of the program.
pub(super) struct OpenBuffer {
    pub(super) label: String,
    pub(super) size: u64,
    pub(super) indirect: bool,
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
}

/// Open a program.
pub(super) fn open(
    adapter: &Adapter,
    info: &DeviceInfo,
    program: &Program,
    options: &SessionOptions,
) -> Result<GpuSession, DeviceError> {
    let stages = stages(program)?;
    if program.tier == Tier::Portable && !strict::is_possible(adapter) {
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
    let limits = Limits {
        max_compute_workgroups_per_dimension: WORKGROUPS_MAX,
        ..adapter.limits()
    };
    within_limits(program, &stages, &limits)?;

    let required_features = match program.tier {
        Tier::Portable => Features::PASSTHROUGH_SHADERS,
        Tier::ClassBound => Features::empty(),
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
    let buffers = buffers(&device, &faults, program, &stages)?;
    let mut opened = Opened {
        device,
        queue,
        faults,
        limits,
        buffers,
        passes: Vec::new(),
        clock,
        clock_stride,
    };
    opened.passes = passes(&opened, program, &stages)?;
    Ok(GpuSession::new(opened, options))
}

/// Read every module and match every pass with it.
fn stages(program: &Program) -> Result<Vec<Stage>, DeviceError> {
    for buffer in &program.buffers {
        if buffer.size == 0 || !buffer.size.is_multiple_of(4) {
            let text = format!(
                "buffer '{}' has {} bytes: not a multiple of 4 above 0",
                buffer.label, buffer.size
            );
            return Err(DeviceError::Program(text));
        }
    }
    let modules = program.modules.iter().map(reflect::module).collect::<Result<Vec<_>, _>>()?;
    program
        .passes
        .iter()
        .map(|pass| {
            let module = modules.get(pass.module).ok_or_else(|| {
                DeviceError::Program(format!(
                    "pass '{}': no module {}, there are {}",
                    pass.label,
                    pass.module,
                    modules.len()
                ))
            })?;
            reflect::stage(program, module, pass)
        })
        .collect()
}

/// Whether the device can hold it.
fn within_limits(program: &Program, stages: &[Stage], limits: &Limits) -> Result<(), DeviceError> {
    let within = |what: &dyn Fn() -> String, needed: u64, limit: u64| {
        if needed <= limit {
            Ok(())
        } else {
            Err(DeviceError::Limit {
                what: what(),
                needed,
                limit,
            })
        }
    };
    for buffer in &program.buffers {
        within(
            &|| format!("buffer '{}' (bytes)", buffer.label),
            buffer.size,
            limits.max_buffer_size,
        )?;
    }
    for (stage, pass) in stages.iter().zip(&program.passes) {
        let name = |what: &str| format!("pass '{}' ({what})", pass.label);
        let [x, y, z] = stage.workgroup_size.map(u64::from);
        let most = limits.max_compute_workgroup_size_x;
        within(&|| name("workgroup size in x"), x, most.into())?;
        within(&|| name("workgroup size in y"), y, limits.max_compute_workgroup_size_y.into())?;
        within(&|| name("workgroup size in z"), z, limits.max_compute_workgroup_size_z.into())?;
        within(
            &|| name("invocations in a workgroup"),
            x * y * z,
            limits.max_compute_invocations_per_workgroup.into(),
        )?;
        let most = limits.max_compute_workgroup_storage_size;
        within(&|| name("bytes of workgroup memory"), stage.workgroup_bytes, most.into())?;

        let count = |wanted: fn(&Binding) -> bool| stage.bindings.iter().filter(|binding| wanted(binding)).count() as u64;
        let storage = count(|binding| binding.access != Access::Uniform);
        within(
            &|| name("storage buffers"),
            storage,
            limits.max_storage_buffers_per_shader_stage.into(),
        )?;
        let uniform = count(|binding| binding.access == Access::Uniform);
        within(
            &|| name("uniforms"),
            uniform,
            limits.max_uniform_buffers_per_shader_stage.into(),
        )?;
        let clocks = count(|binding| binding.resource == Resource::Clock);
        within(
            &|| name("clocks"),
            clocks,
            limits.max_dynamic_uniform_buffers_per_pipeline_layout.into(),
        )?;
        for binding in &stage.bindings {
            let number = u64::from(binding.number);
            within(
                &|| name("binding number"),
                number,
                u64::from(limits.max_bindings_per_bind_group) - 1,
            )?;
            let Resource::Buffer(id) = binding.resource else { continue };
            let buffer = &program.buffers[id];
            let (sort, limit) = match binding.access {
                Access::Uniform => ("uniform", limits.max_uniform_buffer_binding_size),
                Access::Read | Access::ReadWrite => ("storage", limits.max_storage_buffer_binding_size),
            };
            within(
                &|| format!("buffer '{}' (bytes, bound as {sort})", buffer.label),
                buffer.size,
                limit,
            )?;
        }
    }
    Ok(())
}

fn buffers(
    device: &wgpu::Device,
    faults: &Faults,
    program: &Program,
    stages: &[Stage],
) -> Result<Vec<OpenBuffer>, DeviceError> {
    let mut uniform = vec![false; program.buffers.len()];
    for binding in stages.iter().flat_map(|stage| &stage.bindings) {
        if let (Resource::Buffer(id), Access::Uniform) = (binding.resource, binding.access) {
            uniform[id] = true;
        }
    }
    let mut buffers = Vec::with_capacity(program.buffers.len());
    for (desc, uniform) in program.buffers.iter().zip(uniform) {
        let mut usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        usage.set(BufferUsages::UNIFORM, uniform);
        usage.set(BufferUsages::INDIRECT, desc.indirect);
        let gpu = device.create_buffer(&BufferDescriptor {
            label: Some(&desc.label),
            size: desc.size,
            usage,
            mapped_at_creation: false,
        });
        faults.check(|| format!("allocates buffer '{}' of {} bytes", desc.label, desc.size))?;
        buffers.push(OpenBuffer {
            label: desc.label.clone(),
            size: desc.size,
            indirect: desc.indirect,
            gpu,
        });
    }
    Ok(buffers)
}

fn passes(opened: &Opened, program: &Program, stages: &[Stage]) -> Result<Vec<OpenPass>, DeviceError> {
    let stock: Vec<ShaderModule> = match program.tier {
        Tier::Portable => Vec::new(),
        Tier::ClassBound => program
            .modules
            .iter()
            .map(|module| {
                let source = ShaderSource::Wgsl(module.source.as_str().into());
                opened.device.create_shader_module(ShaderModuleDescriptor {
                    label: Some(&module.label),
                    source,
                })
            })
            .collect(),
    };
    opened.faults.check(|| "compiles the shaders".to_owned())?;
    stages
        .iter()
        .zip(&program.passes)
        .map(|(stage, pass)| {
            let built = match program.tier {
                Tier::ClassBound => {
                    let constants: Vec<(&str, f64)> =
                        pass.overrides.iter().map(|(name, value)| (name.as_str(), *value)).collect();
                    build(opened, stage, pass, &stock[pass.module], &constants)
                }
                Tier::Portable => build(opened, stage, pass, &strict_module(opened, stage, pass)?, &[]),
            };
            opened
                .faults
                .check(|| format!("compiles pass '{}'", pass.label))
                .map_err(|error| match error {
                    DeviceError::Program(message) => DeviceError::Shader {
                        label: program.modules[pass.module].label.clone(),
                        message,
                        span: None,
                    },
                    other => other,
                })?;
            Ok(built)
        })
        .collect()
}

fn strict_module(opened: &Opened, stage: &Stage, pass: &PassDesc) -> Result<ShaderModule, DeviceError> {
    let words = strict::compile(stage, pass)?;
    #[expect(unsafe_code, reason = "wgpu takes SPIR-V as it is through this door only")]
    // SAFETY: naga wrote these words from a module that it had validated, with bounds checks on every access; all that
    // was added is a decoration that takes freedom from the driver. `reflect` checked bindings and sizes against it.
    let module = unsafe {
        opened
            .device
            .create_shader_module_passthrough(ShaderModuleDescriptorPassthrough {
                label: Some(&pass.label),
                entry_points: vec![wgpu::PassthroughShaderEntryPoint {
                    name: pass.entry.as_str().into(),
                    workgroup_size: stage.workgroup_size.into(),
                }]
                .into(),
                spirv: Some(words.into()),
                ..ShaderModuleDescriptorPassthrough::default()
            })
    };
    Ok(module)
}

fn build(opened: &Opened, stage: &Stage, pass: &PassDesc, module: &ShaderModule, constants: &[(&str, f64)]) -> OpenPass {
    let device = &opened.device;
    let label = Some(pass.label.as_str());
    let layout_entries: Vec<BindGroupLayoutEntry> = stage.bindings.iter().map(layout_entry).collect();
    let layout = device.create_bind_group_layout(&BindGroupLayoutDescriptor {
        label,
        entries: &layout_entries,
    });
    let entries: Vec<BindGroupEntry<'_>> = stage
        .bindings
        .iter()
        .map(|binding| {
            let (buffer, size) = match binding.resource {
                Resource::Clock => (&opened.clock, NonZeroU64::new(CLOCK_BYTES)),
                Resource::Buffer(id) => (&opened.buffers[id].gpu, None),
            };
            let resource = BindingResource::Buffer(BufferBinding { buffer, offset: 0, size });
            BindGroupEntry {
                binding: binding.number,
                resource,
            }
        })
        .collect();
    let group = device.create_bind_group(&BindGroupDescriptor {
        label,
        layout: &layout,
        entries: &entries,
    });
    let pipeline_layout = device.create_pipeline_layout(&PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let pipeline = device.create_compute_pipeline(&ComputePipelineDescriptor {
        label,
        layout: Some(&pipeline_layout),
        module,
        entry_point: Some(&pass.entry),
        compilation_options: PipelineCompilationOptions {
            constants,
            ..PipelineCompilationOptions::default()
        },
        cache: None,
    });
    let writes = stage.bindings.iter().filter(|binding| binding.access == Access::ReadWrite);
    OpenPass {
        label: pass.label.clone(),
        pipeline,
        group,
        clocks: stage
            .bindings
            .iter()
            .filter(|binding| binding.resource == Resource::Clock)
            .count(),
        writes: writes
            .filter_map(|binding| match binding.resource {
                Resource::Buffer(id) => Some(id),
                Resource::Clock => None,
            })
            .collect(),
    }
}

fn layout_entry(binding: &Binding) -> BindGroupLayoutEntry {
    let ty = match binding.access {
        Access::Read => BufferBindingType::Storage { read_only: true },
        Access::ReadWrite => BufferBindingType::Storage { read_only: false },
        Access::Uniform => BufferBindingType::Uniform,
    };
    BindGroupLayoutEntry {
        binding: binding.number,
        visibility: ShaderStages::COMPUTE,
        ty: BindingType::Buffer {
            ty,
            has_dynamic_offset: binding.resource == Resource::Clock,
            min_binding_size: NonZeroU64::new(binding.size_min),
        },
        count: None,
    }
}

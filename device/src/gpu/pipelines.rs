//! A program's pipelines, with layouts that say what the shaders were seen to use.

use std::borrow::Cow;
use std::num::NonZeroU64;

use wgpu::{
    BindGroupDescriptor, BindGroupEntry, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingResource, BindingType,
    BufferBinding, BufferBindingType, ComputePipelineDescriptor, PipelineCompilationOptions, PipelineLayoutDescriptor,
    ShaderModule, ShaderModuleDescriptor, ShaderModuleDescriptorPassthrough, ShaderSource, ShaderStages,
};
use wgsl::{Access, Binding, Bound};

use super::loops::Unfinished;
use super::open::{OpenPass, Opened};
use super::strict;
use crate::{DeviceError, PassDesc, Program, Resource};

/// Bytes of the clock that a shader sees.
pub(super) const CLOCK_BYTES: u64 = 16;

/// Compile every pass.
pub(super) fn passes(opened: &Opened, program: &Program, stages: &[Bound]) -> Result<Vec<OpenPass>, DeviceError> {
    stages
        .iter()
        .zip(&program.passes)
        .map(|(bound, pass)| {
            let built = match opened.own_spirv {
                true => build(opened, program, bound, pass, &own_module(opened, bound, pass)?),
                false => build(opened, program, bound, pass, &stock_module(opened, bound, pass)),
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

/// The lowered module through wgpu's own compiler: class-bound passes where there is no way for our SPIR-V.
fn stock_module(opened: &Opened, bound: &Bound, pass: &PassDesc) -> ShaderModule {
    opened.device.create_shader_module(ShaderModuleDescriptor {
        label: Some(&pass.label),
        source: ShaderSource::Naga(Cow::Owned(bound.stage.module.clone())),
    })
}

/// The lowered module as our own SPIR-V.
fn own_module(opened: &Opened, bound: &Bound, pass: &PassDesc) -> Result<ShaderModule, DeviceError> {
    let words = strict::compile(bound, pass, opened.controls)?;
    #[expect(unsafe_code, reason = "wgpu takes SPIR-V as it is through this door only")]
    // SAFETY: naga wrote these words from a module that it had validated, with bounds checks on every access; all that
    // was added is a decoration that takes freedom from the driver. `wgsl::open` checked bindings and sizes against it.
    let module = unsafe {
        opened
            .device
            .create_shader_module_passthrough(ShaderModuleDescriptorPassthrough {
                label: Some(&pass.label),
                entry_points: vec![wgpu::PassthroughShaderEntryPoint {
                    name: pass.entry.as_str().into(),
                    workgroup_size: bound.stage.workgroup_size.into(),
                }]
                .into(),
                spirv: Some(words.into()),
                ..ShaderModuleDescriptorPassthrough::default()
            })
    };
    Ok(module)
}

fn build(opened: &Opened, program: &Program, bound: &Bound, pass: &PassDesc, module: &ShaderModule) -> OpenPass {
    let device = &opened.device;
    let label = Some(pass.label.as_str());
    let unfinished = Unfinished::of(bound, &program.modules[pass.module], device);
    let mut layout_entries: Vec<BindGroupLayoutEntry> = bound.bindings.iter().map(layout_entry).collect();
    layout_entries.extend(unfinished.as_ref().map(Unfinished::layout_entry));
    let layout = device.create_bind_group_layout(&BindGroupLayoutDescriptor {
        label,
        entries: &layout_entries,
    });
    let mut entries: Vec<BindGroupEntry<'_>> = bound
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
    entries.extend(unfinished.as_ref().map(Unfinished::entry));
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
        compilation_options: PipelineCompilationOptions::default(),
        cache: None,
    });
    let writes = bound.bindings.iter().filter(|binding| binding.access == Access::ReadWrite);
    OpenPass {
        label: pass.label.clone(),
        pipeline,
        group,
        clocks: bound
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
        unfinished,
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

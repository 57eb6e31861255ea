//! Workgroup counts of indirect dispatches, made harmless.
//!
//! A kernel may leave anything in a buffer of counts, and a driver may do anything with counts above its limit. So a
//! dispatch reads a shadow copy of the buffer, which a shader of ours fills: counts above the limit become zero there, which
//! runs nothing. wgpu has a check of its own, a dispatch for each dispatch that it guards; this one runs once after each
//! change of a buffer, however many dispatches read it.
//!
//! Invariant: whenever a dispatch reads a shadow copy, it is what its buffer gives at that place in the order of commands.

use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, Buffer, BufferDescriptor, BufferUsages, ComputePass, ComputePipeline,
    ComputePipelineDescriptor, PipelineCompilationOptions, ShaderModuleDescriptor, ShaderSource,
};

use super::limits::WORKGROUPS_MAX;

const INVOCATIONS: u32 = 64;

const SHADER: &str = "
    override limit: u32;
    @group(0) @binding(0) var<storage, read> counts: array<u32>;
    @group(0) @binding(1) var<storage, read_write> harmless: array<u32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
        for (var i = id.x; i < arrayLength(&counts); i += groups.x * 64u) {
            harmless[i] = select(0u, counts[i], counts[i] <= limit);
        }
    }";

/// Fills shadows.
pub(super) struct Guard {
    pipeline: ComputePipeline,
}

/// What dispatches read instead of a buffer of counts.
pub(super) struct Shadow {
    pub(super) gpu: Buffer,
    group: BindGroup,
    workgroups: u32,
}

impl Guard {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let label = Some("counts");
        let source = ShaderSource::Wgsl(SHADER.into());
        let module = device.create_shader_module(ShaderModuleDescriptor { label, source });
        let constants = [("limit", f64::from(WORKGROUPS_MAX))];
        let pipeline = device.create_compute_pipeline(&ComputePipelineDescriptor {
            label,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: PipelineCompilationOptions {
                constants: &constants,
                ..PipelineCompilationOptions::default()
            },
            cache: None,
        });
        Self { pipeline }
    }

    /// The shadow of a buffer; both zero.
    pub(super) fn shadow(&self, device: &wgpu::Device, counts: &Buffer) -> Shadow {
        let gpu = device.create_buffer(&BufferDescriptor {
            label: Some("harmless counts"),
            size: counts.size(),
            usage: BufferUsages::STORAGE | BufferUsages::INDIRECT,
            mapped_at_creation: false,
        });
        let group = device.create_bind_group(&BindGroupDescriptor {
            label: Some("counts"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[
                BindGroupEntry {
                    binding: 0,
                    resource: counts.as_entire_binding(),
                },
                BindGroupEntry {
                    binding: 1,
                    resource: gpu.as_entire_binding(),
                },
            ],
        });
        let words = counts.size() / 4;
        let workgroups = words.div_ceil(u64::from(INVOCATIONS)).min(u64::from(WORKGROUPS_MAX)) as u32;
        Shadow { gpu, group, workgroups }
    }

    /// Fill a shadow from its buffer.
    pub(super) fn fill(&self, shadow: &Shadow, pass: &mut ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &shadow.group, &[]);
        pass.dispatch_workgroups(shadow.workgroups, 1, 1);
    }
}

/// Which shadows are as their buffers are.
pub(super) struct Fresh(Vec<bool>);

impl Fresh {
    /// All of them: buffers and shadows start as zero.
    pub(super) fn new(buffers: usize) -> Self {
        Self(vec![true; buffers])
    }

    /// A buffer changes.
    pub(super) fn spoil(&mut self, buffer: usize) {
        self.0[buffer] = false;
    }

    /// Whether a shadow has to be filled before it is read; it counts as filled from now on.
    pub(super) fn is_stale(&mut self, buffer: usize) -> bool {
        !std::mem::replace(&mut self.0[buffer], true)
    }
}

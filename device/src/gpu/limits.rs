//! Whether a device can hold a program, before any of it is allocated.

use wgpu::{Adapter, Limits};
use wgsl::{Access, Binding, Bound};

use crate::{DeviceError, Program, Resource};

/// Workgroups in one dimension of a dispatch, the same on every device: an indirect dispatch above it runs nothing, so
/// that a device's own limit would show in results.
pub(super) const WORKGROUPS_MAX: u32 = 65_535;

/// Bindings of a pass that show the clock: wgpu's default limit, which every device has.
pub(super) const CLOCKS_MAX: usize = 8;

/// The limits that a program may use on an adapter: its own, but for those that would show in results.
pub(super) fn of(adapter: &Adapter) -> Limits {
    Limits {
        max_compute_workgroups_per_dimension: WORKGROUPS_MAX,
        ..adapter.limits()
    }
}

/// Whether the device can hold it.
pub(super) fn within(program: &Program, stages: &[Bound], limits: &Limits) -> Result<(), DeviceError> {
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
        if buffer.indirect {
            let limit = limits.max_storage_buffer_binding_size;
            within(
                &|| format!("buffer '{}' (bytes, as workgroup counts)", buffer.label),
                buffer.size,
                limit,
            )?;
        }
    }
    for (bound, pass) in stages.iter().zip(&program.passes) {
        let name = |what: &str| format!("pass '{}' ({what})", pass.label);
        let [x, y, z] = bound.stage.workgroup_size.map(u64::from);
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
        within(
            &|| name("bytes of workgroup memory"),
            bound.stage.workgroup_bytes,
            most.into(),
        )?;

        let count = |wanted: fn(&Binding) -> bool| bound.bindings.iter().filter(|binding| wanted(binding)).count() as u64;
        let storage = count(|binding| binding.access != Access::Uniform) + u64::from(bound.stage.unfinished.is_some());
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
        let numbers = bound
            .bindings
            .iter()
            .map(|binding| binding.number)
            .chain(bound.stage.unfinished.as_ref().map(|notes| notes.binding));
        for number in numbers {
            within(
                &|| name("binding number"),
                u64::from(number),
                u64::from(limits.max_bindings_per_bind_group) - 1,
            )?;
        }
        for binding in &bound.bindings {
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

// Velocities at the time of the positions, where the state holds those of half a step before: v + F dt / (2 m). Components along constraints are
// still to be taken off, constrain_velocities.wgsl.
// `forces`: kJ/mol/nm. `inverse_masses`: 1/u, by tag. `velocities`, `full_velocities`: nm/ps.
// `full_step_dt`: dt/2, ps. `full_step_first`: the share of it in step 0: 0 where the velocities of the starting state
// belong to its positions (the VRORV splitting), else 1. Needs canonical.wgsl.

override atoms: u32;
override full_step_dt: f32;
override full_step_first: f32;

@group(0) @binding(0) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(2) var<storage, read> velocities: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> full_velocities: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(64)
fn full_step(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let force = forces[tag].xyz;
    let share = select(full_step_dt, full_step_dt * full_step_first, (clock.x | clock.y) == 0u);
    full_velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz + force * (share * inverse_masses[tag])), 0.0);
}

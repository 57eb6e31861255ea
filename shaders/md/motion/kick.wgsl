// v += F dt / m. An atom of infinite mass (inverse 0) keeps its velocity.
// `forces`: kJ/mol/nm. `inverse_masses`: 1/u, by tag. `velocities`: nm/ps.
// `kick_dt`: dt, ps. `kick_first`: the share of it in step 0: 0 for the second half of a kick
// that the starting state has behind it (the VRORV splitting), else 1. Needs canonical.wgsl.

override atoms: u32;
override kick_dt: f32;
override kick_first: f32;

@group(0) @binding(0) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(64)
fn kick(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let force = forces[tag].xyz;
    let share = select(kick_dt, kick_dt * kick_first, (clock.x | clock.y) == 0u);
    velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz + force * (share * inverse_masses[tag])), 0.0);
}

// v += F dt / m, from summed forces in fixed point. An atom of infinite mass (inverse 0) keeps its velocity.
// `force_sums`: 3 integers an atom, in the package's unit of force. `inverse_masses`: 1/u, by tag. `velocities`: nm/ps.
// `kick_dt`: dt times the unit of force, ps kJ/mol/nm. `kick_first`: the share of it in step 0: 0 for the second half of a kick
// that the starting state has behind it (the VRORV splitting), else 1. Needs canonical.wgsl.

override atoms: u32;
override kick_dt: f32;
override kick_first: f32;

@group(0) @binding(0) var<storage, read> force_sums: array<i32>;
@group(0) @binding(1) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(64)
fn kick(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let force = vec3<f32>(vec3<i32>(force_sums[3u * tag], force_sums[3u * tag + 1u], force_sums[3u * tag + 2u]));
    let share = select(kick_dt, kick_dt * kick_first, (clock.x | clock.y) == 0u);
    velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz + force * (share * inverse_masses[tag])), 0.0);
}

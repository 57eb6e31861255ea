// The middle of the LangevinMiddle scheme (Zhang et al., J. Phys. Chem. A 123, 6056, 2019) for unconstrained displacements: half a drift, the
// Ornstein-Uhlenbeck step, half a drift. d = dt/2 v; v = a v + sqrt(kT (1 - a^2) / m) R; d += dt/2 v, with a = exp(-friction dt).
// `noise_widths`: sqrt(kT (1 - a^2) / m), nm/ps, by tag, 0 for an atom of infinite mass. `friction_keep`: a. `drift_dt`: dt/2, ps.
// `velocities`: nm/ps. `displacements`: nm. `seed_low`, `seed_high`, `noise_stream`: as kernels/src/random.rs.
// Needs threefry.wgsl, gaussian.wgsl and canonical.wgsl.

override atoms: u32;
override drift_dt: f32;
override friction_keep: f32;
override seed_low: u32;
override seed_high: u32;
override noise_stream: u32;

@group(0) @binding(0) var<storage, read> noise_widths: array<f32>;
@group(0) @binding(1) var<storage, read> gaussian_table: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> displacements: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(64)
fn middle(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let noise = gaussian3(tag, gaussian_key(vec2<u32>(seed_low, seed_high), noise_stream, clock), clock);
    let before = velocities[tag].xyz;
    let after = canonical3(before * friction_keep + noise * noise_widths[tag]);
    velocities[tag] = vec4<f32>(after, 0.0);
    displacements[tag] = vec4<f32>(canonical3((before + after) * drift_dt), 0.0);
}

// Overdamped motion, unconstrained displacements: d = F dt / (friction m) + sqrt(2 kT dt / (friction m)) R (Ermak and McCammon, J. Chem. Phys. 69,
// 1352, 1978, without hydrodynamics), as OpenMM's BrownianIntegrator; the velocity is d / dt. R is normally distributed, a function of (seed, stream,
// step, tag) alone.
// `forces`: kJ/mol/nm. `inverse_masses`: 1/u, by tag. `noise_widths`: sqrt(2 kT dt / (friction m)), nm, by
// tag, 0 for an atom of infinite mass. `brownian_push`: dt / friction, ps^2. `brownian_rate`: 1/dt, 1/ps.
// `velocities`: nm/ps. `displacements`: nm. `seed_low`, `seed_high`, `noise_stream`: as kernels/src/random.rs.
// Needs threefry.wgsl, gaussian.wgsl and canonical.wgsl.

override atoms: u32;
override brownian_push: f32;
override brownian_rate: f32;
override seed_low: u32;
override seed_high: u32;
override noise_stream: u32;

@group(0) @binding(0) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(2) var<storage, read> noise_widths: array<f32>;
@group(0) @binding(3) var<storage, read> gaussian_table: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> displacements: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(64)
fn brownian(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let noise = gaussian3(tag, gaussian_key(vec2<u32>(seed_low, seed_high), noise_stream, clock), clock);
    let force = forces[tag].xyz;
    let d = canonical3(force * (brownian_push * inverse_masses[tag]) + noise * noise_widths[tag]);
    displacements[tag] = vec4<f32>(d, 0.0);
    velocities[tag] = vec4<f32>(canonical3(d * brownian_rate), 0.0);
}

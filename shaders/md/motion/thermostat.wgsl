// The Ornstein-Uhlenbeck step of Langevin dynamics, exact over dt: v = a v + sqrt(kT (1 - a^2) / m) R, with a = exp(-friction dt) and R
// normally distributed, a function of (seed, stream, step, tag) alone.
// `noise_widths`: sqrt(kT (1 - a^2) / m), nm/ps, by tag, 0 for an atom of infinite mass. `friction_keep`: a. `velocities`: nm/ps.
// `seed_low`, `seed_high`, `noise_stream`: as kernels/src/random.rs. Needs threefry.wgsl, gaussian.wgsl and canonical.wgsl.

override atoms: u32;
override friction_keep: f32;
override seed_low: u32;
override seed_high: u32;
override noise_stream: u32;

@group(0) @binding(0) var<storage, read> noise_widths: array<f32>;
@group(0) @binding(1) var<storage, read> gaussian_table: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(64)
fn thermostat(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let noise = gaussian3(tag, gaussian_key(vec2<u32>(seed_low, seed_high), noise_stream, clock), clock);
    velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz * friction_keep + noise * noise_widths[tag]), 0.0);
}

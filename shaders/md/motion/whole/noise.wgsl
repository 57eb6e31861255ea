// Random displacements or changes of velocity of an atom: normally distributed numbers, a function of (seed, stream, step, tag) alone, times its width.
// `noise_widths`: by tag, 0 for an atom of infinite mass; the unit is that of the result. `seed_low`, `seed_high`, `noise_stream`: as kernels/src/random.rs.
// Needs threefry.wgsl and gaussian.wgsl.

override seed_low: u32;
override seed_high: u32;
override noise_stream: u32;

@group(0) @binding(5) var<storage, read> noise_widths: array<f32>;
@group(0) @binding(6) var<storage, read> gaussian_table: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> clock: vec4<u32>;

fn noise_key() -> vec2<u32> {
    return gaussian_key(vec2<u32>(seed_low, seed_high), noise_stream, clock);
}

fn noise_of(tag: u32, key: vec2<u32>) -> vec3<f32> {
    return gaussian3(tag, key, clock) * noise_widths[tag];
}

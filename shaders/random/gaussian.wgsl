// Normally distributed numbers, mean 0, variance 1, from one word of 32 random bits each, in + - * alone: the inverse of the normal
// distribution as a table of cubics. The top bit is the sign; the other 31 bits are the probability q of a larger magnitude, at the middle of one of
// 2^31 equal intervals: z = sqrt(2) erfc^-1(q). Its leading zeros choose an octave of the table, three more bits one of eight cells.
// Error below 5e-7; magnitudes reach 6.34 standard deviations (q = 2^-32). Needs threefry.wgsl, and a binding
// `gaussian_table: array<vec4<f32>>`: 256 cubics. Twin on the host, which also makes the table: kernels/src/random/gaussian.rs.

fn gaussian(word: u32) -> f32 {
    let q = (word << 1u) | 1u;
    let octave = countLeadingZeros(q);
    let scaled = q << octave;
    let c = gaussian_table[octave * 8u + ((scaled >> 28u) & 7u)];
    // 24 bits, so exact.
    let t = f32(bitcast<i32>((scaled >> 4u) & 0xffffffu)) * 5.9604645e-8;
    let magnitude = c.x + t * (c.y + t * (c.z + t * c.w));
    return select(magnitude, -magnitude, (word >> 31u) == 1u);
}

// The key of a stream: words(seed, stream, step, particle) of kernels/src/random.rs keys with it.
fn gaussian_key(seed: vec2<u32>, stream: u32, clock: vec4<u32>) -> vec2<u32> {
    return threefry2x32(vec2<u32>(stream, clock.y), seed);
}

// Three numbers for a particle and a step: words 0 and 1 of particle 2 tag, word 0 of particle 2 tag + 1.
fn gaussian3(tag: u32, key: vec2<u32>, clock: vec4<u32>) -> vec3<f32> {
    let first = threefry2x32(vec2<u32>(2u * tag, clock.x), key);
    let second = threefry2x32(vec2<u32>(2u * tag + 1u, clock.x), key);
    return vec3<f32>(gaussian(first.x), gaussian(first.y), gaussian(second.x));
}

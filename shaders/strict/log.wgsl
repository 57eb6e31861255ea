// ln x and log2 x. Worst errors: docs/strict-library.md. Operands at or below 2^-126 count as 0, whose logarithm is -infinity;
// of negative numbers and NaN it is NaN, of infinity infinity.
// Reduction and polynomial: Moshier's Cephes (logf).
// Needs canonical.wgsl.

// x = m 2^e with m from sqrt(1/2) to sqrt(2), for positive finite x: (m - 1, e).
fn strict_log_parts(x: f32) -> vec2<f32> {
    let bits = bitcast<i32>(x);
    let e = (bits - 0x3f3504f3) >> 23u;
    return vec2<f32>(bitcast<f32>(bits - (e << 23u)) - 1.0, f32(e));
}

// ln(1 + f) - f + f^2 / 2; z is f^2.
fn strict_log_tail(f: f32, z: f32) -> f32 {
    let low = (((7.0376837e-2 * f - 1.151461e-1) * f + 1.1676999e-1) * f - 1.2420141e-1) * f + 1.4249323e-1;
    let p = (((low * f - 1.6668058e-1) * f + 2.0000715e-1) * f - 2.4999994e-1) * f + 3.333333e-1;
    return p * (z * f);
}

// The logarithm of x, where it is positive and finite; else what it is there.
fn strict_log_edges(x: f32, log: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let size = bits & 0x7fffffffu;
    let positive = select(bitcast<u32>(strict_canonical(log)), 0x7f800000u, bits == 0x7f800000u);
    let proper = select(positive, 0x7fc00000u, bits > 0x7f800000u);
    return bitcast<f32>(select(proper, 0xff800000u, size <= 0x00800000u));
}

fn strict_log(x: f32) -> f32 {
    let parts = strict_log_parts(x);
    let f = parts.x;
    let z = f * f;
    // ln 2 in two parts; e times the first is exact.
    let tail = (strict_log_tail(f, z) + parts.y * -2.1219444e-4) - 0.5 * z;
    return strict_log_edges(x, (f + tail) + parts.y * 0.693359375);
}

fn strict_log2(x: f32) -> f32 {
    let parts = strict_log_parts(x);
    let f = parts.x;
    let z = f * f;
    let tail = strict_log_tail(f, z) - 0.5 * z;
    // log2 e = 1 + 0.44269504; f in two halves, so that its product's head is exact.
    let head = bitcast<f32>(bitcast<u32>(f) & 0xfffff000u);
    let rest = f - head;
    let low = (tail * 0.44269504 + f * 6.808776e-5) + rest * 0.44262695;
    let sum = ((low + tail) + head * 0.44262695) + f;
    return strict_log_edges(x, sum + parts.y);
}

// To integers: exact, so that there is one right answer; 0 is +0. Infinities and NaN stay.
// From 2^23 on every f32 is an integer; below, adding and subtracting 2^23 rounds to nearest, ties to even.
// Needs canonical.wgsl.

fn strict_round_size(size: f32) -> f32 {
    return select(size, (size + 8388608.0) - 8388608.0, size < 8388608.0);
}

// 2^23 with the sign of x; what becomes 0 becomes +0 by the difference.
fn strict_round(x: f32) -> f32 {
    let large = bitcast<f32>((bitcast<u32>(x) & 0x80000000u) | 0x4b000000u);
    return select(x, (x + large) - large, abs(x) < 8388608.0);
}

fn strict_trunc(x: f32) -> f32 {
    let size = abs(x);
    let near = strict_round_size(size);
    return strict_signed(select(near, near - 1.0, near > size), x);
}

fn strict_floor(x: f32) -> f32 {
    let value = strict_canonical(x);
    let near = strict_round(value);
    return select(near, near - 1.0, near > value);
}

fn strict_ceil(x: f32) -> f32 {
    let value = strict_canonical(x);
    let near = strict_round(value);
    return select(near, near + 1.0, near < value);
}

fn strict_fract(x: f32) -> f32 {
    return strict_canonical(x) - strict_floor(x);
}

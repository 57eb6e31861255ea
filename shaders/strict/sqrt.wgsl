// sqrt(x), correctly rounded; 1 / sqrt(x), rounded twice: the same bits as 1 / strict_sqrt(x), for half of the operations.
//
// x is taken to [1/2, 2) by an even power of 2. A guess of 1 / sqrt from the bits is refined in f32; the root and its reciprocal then follow from their exact remainders,
// of products of 12 bits by 12, which f32 holds. That both are nearest is not proved but tested, for every one of the 2^24 significands; the constants were chosen so.
// Operands at or below 2^-126 count as 0: their root is +0. Below that it is NaN. The root of infinity is infinity.
// Needs nothing.

// x without its even power of 2.
fn strict_sqrt_fraction(bits: u32) -> f32 {
    return bitcast<f32>((bits & 0x00ffffffu) | 0x3f000000u);
}

// The upper 12 bits of a significand.
fn strict_sqrt_high(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

// 1 / sqrt(y) within 2 units of the last place, for y from 1/2 to 2: a step of Newton's with fitted constants, and one of third order.
fn strict_inverse_sqrt_guess(y: f32) -> f32 {
    var r = bitcast<f32>(0x5f1ff86cu - (bitcast<u32>(y) >> 1u));
    r = (0.703993142 * r) * (2.38917685 - y * r * r);
    let h = 1.0 - y * r * r;
    return r + r * (h * (0.375 * h + 0.5));
}

// sqrt(y) to the nearest, of the guess above.
fn strict_sqrt_nearest(y: f32, r: f32) -> f32 {
    let s = y * r;
    let high = strict_sqrt_high(s);
    let low = s - high;
    let rest = ((y - high * high) - (high + high) * low) - low * low;
    return s + rest * (0.5 * r);
}

fn strict_sqrt(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let y = strict_sqrt_fraction(bits);
    let s = strict_sqrt_nearest(y, strict_inverse_sqrt_guess(y));
    var result = bitcast<u32>(s) + ((bits & 0x7f000000u) >> 1u) - 0x1f800000u;
    result = select(result, 0x7f800000u, bits == 0x7f800000u);
    result = select(result, 0x7fc00000u, bits > 0x7f800000u);
    result = select(result, 0u, (bits & 0x7fffffffu) <= 0x00800000u);
    return bitcast<f32>(result);
}

fn strict_inverse_sqrt(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let y = strict_sqrt_fraction(bits);
    let r = strict_inverse_sqrt_guess(y);
    let s = strict_sqrt_nearest(y, r);
    let s_high = strict_sqrt_high(s);
    let s_low = s - s_high;
    let r_high = strict_sqrt_high(r);
    let r_low = r - r_high;
    let rest = (((1.0 - s_high * r_high) - s_high * r_low) - s_low * r_high) - s_low * r_low;
    // Some quotients lie so little above the middle of two f32 that the remainder's own last place decides.
    let q = r + r * (rest + 0x1p-48f);
    var result = bitcast<u32>(q) + 0x1f800000u - ((bits & 0x7f000000u) >> 1u);
    result = select(result, 0u, bits == 0x7f800000u);
    result = select(result, 0x7fc00000u, bits > 0x7f800000u);
    result = select(result, 0x7f800000u, (bits & 0x7fffffffu) <= 0x00800000u);
    return bitcast<f32>(result);
}

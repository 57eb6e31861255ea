// e^x and 2^x. Worst errors: docs/strict-library.md. At or below 2^-126 they are +0; what overflows is infinity; of NaN, NaN.
// Reduction and polynomial for e^x: Moshier's Cephes (expf); for 2^x: interpolation at Chebyshev's nodes.
// Needs canonical.wgsl.

// y 2^n for y near 1, by its bits.
fn strict_exp_scale(y: f32, n: i32) -> f32 {
    let bits = min(bitcast<i32>(y) + (n << 23u), 0x7f800000);
    return bitcast<f32>(select(0, bits, bits > 0x00800000));
}

// 2^r, |r| up to 1/2.
fn strict_exp2_core(r: f32) -> f32 {
    let p = ((((0.00015453163 * r + 0.0013390863) * r + 0.009618083) * r + 0.05550357) * r + 0.2402265) * r + 0.6931472;
    return p * r + 1.0;
}

// The integer nearest to x, |x| up to 2^22, is this less 2^23 * 1.5; its bits less 0x4b400000 are that integer.
fn strict_exp_near(x: f32) -> f32 {
    return x + 12582912.0;
}

// e^x 2^more, for x up to `limit`, beyond which it overflows.
fn strict_exp_times(x: f32, limit: f32, more: i32) -> f32 {
    let high = select(x, limit, x > limit);
    let within = select(high, -105.0, high < -105.0);
    let near = strict_exp_near(within * 1.4426950);
    let n = near - 12582912.0;
    // ln 2 in two parts; n times the first is exact.
    let r = (within - n * 0.693359375) - n * -2.1219444e-4;
    let p = ((((1.9875691e-4 * r + 1.3981999e-3) * r + 8.333452e-3) * r + 4.1665796e-2) * r + 1.6666665e-1) * r + 0.5;
    let y = (p * (r * r) + r) + 1.0;
    return select(strict_exp_scale(y, bitcast<i32>(near) - 0x4b400000 + more), x, strict_is_nan(x));
}

fn strict_exp(x: f32) -> f32 {
    return strict_exp_times(x, 89.0, 0);
}

fn strict_exp2(x: f32) -> f32 {
    let high = select(x, 128.0, x > 128.0);
    let within = select(high, -152.0, high < -152.0);
    let near = strict_exp_near(within);
    let y = strict_exp2_core(within - (near - 12582912.0));
    return select(strict_exp_scale(y, bitcast<i32>(near) - 0x4b400000), x, strict_is_nan(x));
}

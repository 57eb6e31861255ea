// x^y = 2^(y log2 x), with the logarithm and its product in two floats each. Worst error: docs/strict-library.md.
//
// x^0 is 1; 0^y is 0 for positive and infinity for negative y; of negative x it is NaN, as of NaN. Operands at or below 2^-126 count as 0.
// Products in two floats: Dekker, Numer. Math. 18, 224 (1971), doi:10.1007/BF01397083.
// Needs exp.wgsl, log.wgsl and canonical.wgsl.

// a b as a sum of two floats, exactly, unless it underflows.
fn strict_pair_product(a: f32, b: f32) -> vec2<f32> {
    let p = a * b;
    let a1 = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
    let b1 = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
    let a2 = a - a1;
    let b2 = b - b1;
    return vec2<f32>(p, (((a1 * b1 - p) + a1 * b2) + a2 * b1) + a2 * b2);
}

// a + b as a sum of two floats, exactly, where |a| >= |b| or a = 0.
fn strict_pair_sum(a: f32, b: f32) -> vec2<f32> {
    let sum = a + b;
    return vec2<f32>(sum, b - (sum - a));
}

// log2(1 + f) for 1 + f from sqrt(1/2) to sqrt(2): with s = f / (2 + f), s (K + K s^2 / 3 + K s^4 / 5 + ...), K = 2 / ln 2.
fn strict_pow_log2(f: f32) -> vec2<f32> {
    let d = strict_pair_sum(2.0, f);
    var r = bitcast<f32>(0x7ef311c7u - bitcast<u32>(d.x));
    r = r * (2.0 - d.x * r);
    r = r * (2.0 - d.x * r);
    r = r * (2.0 - d.x * r);
    let s = f * r;
    let back = strict_pair_product(s, d.x);
    let s_low = (((f - back.x) - back.y) - s * d.y) * r;
    var u = strict_pair_product(s, s);
    u = strict_pair_sum(u.x, u.y + 2.0 * (s * s_low));
    let t = u.x * (((0.22195308 * u.x + 0.26230818) * u.x + 0.3205989) * u.x + 0.41219857);
    let v = strict_pair_sum(0.9617967, u.x * (t + 0.57707804));
    var w = strict_pair_product(u.x, v.x);
    w.y = w.y + (u.x * (v.y - 7.028462e-9) + u.y * v.x);
    var z = strict_pair_sum(2.88539, w.x);
    z.y = z.y + (w.y + 3.851926e-8);
    let l = strict_pair_product(s, z.x);
    return strict_pair_sum(l.x, l.y + (s * z.y + s_low * z.x));
}

fn strict_pow(x: f32, y: f32) -> f32 {
    let parts = strict_log_parts(x);
    let log = strict_pow_log2(parts.x);
    let sum = strict_pair_sum(parts.y, log.x);
    let whole = strict_pair_sum(sum.x, sum.y + log.y);
    // Beyond 2^34 the result has over- or underflown for every x but 1.
    let low = select(y, -0x1p34f, y < -0x1p34f);
    let power = select(low, 0x1p34f, low > 0x1p34f);
    let product = strict_pair_product(power, whole.x);
    let rest = product.y + power * whole.y;
    let high = select(product.x, 128.0, product.x > 128.0);
    let within = select(high, -152.0, high < -152.0);
    let near = strict_exp_near(within);
    let r = (within - (near - 12582912.0)) + select(0.0, rest, within == product.x);
    var result = strict_exp_scale(strict_exp2_core(r), bitcast<i32>(near) - 0x4b400000);
    let x_size = bitcast<u32>(x) & 0x7fffffffu;
    let y_bits = bitcast<u32>(y);
    let infinity = bitcast<f32>((x_size | 0x7f800000u) & 0x7f800000u);
    let falling = y < 0.0;
    result = select(result, select(infinity, 0.0, falling), x_size == 0x7f800000u);
    result = select(result, select(0.0, infinity, falling), x_size <= 0x00800000u);
    let nan = bitcast<f32>((x_size | 0x7fc00000u) & 0x7fc00000u);
    let wrong = ((x < 0.0) & (x_size > 0x00800000u)) | (x_size > 0x7f800000u) | ((y_bits & 0x7fffffffu) > 0x7f800000u);
    result = select(result, nan, wrong);
    return select(result, 1.0, abs(y) <= 0x1p-126f);
}

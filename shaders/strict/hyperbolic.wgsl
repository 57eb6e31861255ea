// sinh, cosh, tanh and their inverses. Worst errors: docs/strict-library.md. Beyond their domains NaN; what overflows is an infinity.
// Polynomials: interpolation at Chebyshev's nodes.
// Needs exp.wgsl, log.wgsl, pow.wgsl, divide.wgsl, sqrt.wgsl and canonical.wgsl.

// e^size / 2, which does not overflow before the result does.
fn strict_half_exp(size: f32) -> f32 {
    return strict_exp_times(size, 89.6, -1);
}

fn strict_sinh(x: f32) -> f32 {
    let size = abs(x);
    let half = strict_half_exp(size);
    let outer = half - strict_divide(0.25, half);
    let z = size * size;
    let p = ((2.8062802e-6 * z + 0.00019838102) * z + 0.008333339) * z + 0.16666667;
    let inner = size + p * (z * size);
    return select(strict_signed(select(outer, inner, size <= 1.0), x), x, strict_is_nan(x));
}

fn strict_cosh(x: f32) -> f32 {
    let half = strict_half_exp(abs(x));
    return select(half + strict_divide(0.25, half), x, strict_is_nan(x));
}

fn strict_tanh(x: f32) -> f32 {
    let size = abs(x);
    let outer = 1.0 - strict_divide(2.0, strict_exp(size + size) + 1.0);
    let z = size * size;
    let p = ((((0.0022925576 * z - 0.00834378) * z + 0.021768868) * z - 0.053959254) * z + 0.13333304) * z - 0.33333334;
    let inner = size + p * (z * size);
    return select(strict_signed(select(outer, inner, size < 0.625), x), x, strict_is_nan(x));
}

// ln(a + b) for a much larger than b.
fn strict_log_pair(a: f32, b: f32) -> f32 {
    return strict_log(a) + strict_divide(b, a);
}

// ln(x + sqrt(x^2 + one)) for x not small; beyond 2^13, ln x + ln 2. Sums and the root in two floats each.
fn strict_area(x: f32, one: f32) -> f32 {
    let large = x > 8192.0;
    let near = select(x, 1.0, large);
    let square = strict_pair_product(near, near);
    let ordered = square.x < 1.0;
    let q = strict_pair_sum(select(square.x, one, ordered), select(one, square.x, ordered));
    let root = strict_sqrt(q.x);
    let back = strict_pair_product(root, root);
    let root_low = strict_divide(((q.x - back.x) - back.y) + (q.y + square.y), root + root);
    let wide = near < root;
    let sum = strict_pair_sum(select(near, root, wide), select(root, near, wide));
    let log = strict_log_pair(select(sum.x, x, large), select(sum.y + root_low, 0.0, large));
    return select(log, log + 0.6931472, large);
}

fn strict_asinh(x: f32) -> f32 {
    let size = abs(x);
    let outer = strict_area(size, 1.0);
    let z = select(size * size, 0.0, size > 1.0);
    let p = ((((0.009936504 * z - 0.020526793) * z + 0.030156178) * z - 0.04463002) * z + 0.07499973) * z - 0.16666667;
    let inner = size + p * (z * size);
    return select(strict_signed(select(outer, inner, size < 0.5), x), x, strict_is_nan(x));
}

fn strict_acosh(x: f32) -> f32 {
    let outer = strict_area(x, -1.0);
    // Near 1: sqrt(2 t) times a polynomial in t = x - 1.
    let t = select(0.0, x - 1.0, (x >= 1.0) & (x < 1.5));
    let p = ((1.7596881e-3 * t - 7.5272887e-3) * t + 2.6454905e-2) * t - 1.1784742e-1;
    let inner = strict_sqrt(t + t) * (1.0 + (p * 0.70710677) * t);
    let result = select(outer, inner, x < 1.5);
    return bitcast<f32>(select(bitcast<u32>(result), 0x7fc00000u, (bitcast<u32>(x) - 0x3f800000u) > 0x40000000u));
}

fn strict_atanh(x: f32) -> f32 {
    let size = abs(x);
    // (1 + size) / (1 - size) and what it lost; the difference is exact from 1/2 on.
    let above = strict_pair_sum(1.0, size);
    let below = 1.0 - size;
    let ratio = strict_divide(above.x, below);
    let back = strict_pair_product(ratio, below);
    let lost = strict_divide(((above.x - back.x) - back.y) + above.y, below);
    let outer = 0.5 * select(strict_log_pair(ratio, lost), strict_log(ratio), size >= 1.0);
    let z = select(size * size, 0.0, size > 1.0);
    let p = ((((0.1575178 * z + 0.064934894) * z + 0.11469875) * z + 0.1426398) * z + 0.20000473) * z + 0.3333333;
    let inner = size + p * (z * size);
    let result = strict_signed(select(outer, inner, size < 0.5), x);
    return bitcast<f32>(select(bitcast<u32>(result), 0x7fc00000u, bitcast<u32>(size) > 0x3f800000u));
}

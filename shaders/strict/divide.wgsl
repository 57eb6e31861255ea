// a / b, correctly rounded (to nearest, ties to even; no quotient is a tie), canonical.
//
// The quotient of the significands is guessed in f32, then made exact with the remainder, which 32 bits of wrapping integers hold
// though the products have 48. Operands at or below 2^-126 count as 0. x / 0 is an infinity with the sign of x, 0 / 0 and
// inf / inf are NaN, x / inf is +0, what overflows is an infinity.
// Needs nothing.

// 1 / y to 50 units of 2^-24, for y from 1 to 2: Chebyshev's cubic, exact to 1 / 577, then Newton once.
fn strict_reciprocal_guess(y: f32) -> f32 {
    let r = ((-0.22183709 * y + 1.3310225) * y - 2.9393413) * y + 2.8284228;
    return r * (2.0 - y * r);
}

fn strict_divide(a: f32, b: f32) -> f32 {
    let a_bits = bitcast<u32>(a);
    let b_bits = bitcast<u32>(b);
    let a_size = a_bits & 0x7fffffffu;
    let b_size = b_bits & 0x7fffffffu;
    let p = (a_bits & 0x007fffffu) | 0x00800000u;
    let d = (b_bits & 0x007fffffu) | 0x00800000u;
    // n / d is from 1 to 2.
    let less = select(0u, 1u, p < d);
    let n = p << less;
    let r = strict_reciprocal_guess(bitcast<f32>((d & 0x007fffffu) | 0x3f800000u));
    // q is n 2^23 / d to some 50 units, then to one unit, then nearest.
    var q = u32(f32(n) * r);
    var rest = bitcast<i32>((n << 23u) - q * d);
    let more = i32(f32(rest) * r * 0x1p-23f);
    q = q + bitcast<u32>(more);
    rest = rest - more * bitcast<i32>(d);
    let twice = rest + rest;
    q = select(q, q + 1u, twice > bitcast<i32>(d));
    q = select(q, q - 1u, twice < -bitcast<i32>(d));
    let exponent = bitcast<i32>(a_size >> 23u) - bitcast<i32>(b_size >> 23u) + 126 - bitcast<i32>(less);
    let whole = min((min(exponent, 254) << 23u) + bitcast<i32>(q), 0x7f800000);
    var size = select(0u, bitcast<u32>(whole), whole > 0x00800000);
    let a_none = a_size <= 0x00800000u;
    let b_none = b_size <= 0x00800000u;
    let a_infinite = a_size >= 0x7f800000u;
    let b_infinite = b_size >= 0x7f800000u;
    size = select(size, 0u, a_none | b_infinite);
    size = select(size, 0x7f800000u, b_none | a_infinite);
    // 0 has no sign.
    let sign = (a_bits ^ select(b_bits, 0u, b_none)) & 0x80000000u;
    var bits = select(0u, size | sign, size != 0u);
    let wrong = (a_none & b_none) | (a_infinite & b_infinite) | (a_size > 0x7f800000u) | (b_size > 0x7f800000u);
    bits = select(bits, 0x7fc00000u, wrong);
    return bitcast<f32>(bits);
}

// 1 / x, the same bits as strict_divide(1, x): Newton's iteration to within one unit of 2^-24, then nearest by the remainder.
fn strict_reciprocal(x: f32) -> f32 {
    let x_bits = bitcast<u32>(x);
    let x_size = x_bits & 0x7fffffffu;
    let fraction = x_bits & 0x007fffffu;
    let d = bitcast<i32>(fraction | 0x00800000u);
    let m = bitcast<f32>(fraction | 0x3f800000u);
    var y = bitcast<f32>(0x7ef311c7u - (fraction | 0x3f800000u));
    y = y * (2.0 - m * y);
    y = y * (2.0 - m * y);
    y = y + y * (1.0 - m * y);
    // q is 2^47 / d, of which 2^47 leaves nothing in 32 bits.
    let y_bits = bitcast<u32>(y);
    let q = bitcast<i32>((y_bits & 0x007fffffu) | 0x00800000u);
    let rest = -(q * d);
    let twice = rest + rest;
    let more = select(0u, 1u, twice > d) - select(0u, 1u, twice < -d);
    let nearest = select(y_bits + more, 0x3f800000u, fraction == 0u);
    let whole = bitcast<i32>(nearest + 0x3f800000u - (x_size & 0x7f800000u));
    let size = select(0u, bitcast<u32>(whole), whole > 0x00800000);
    var bits = select(0u, size | (x_bits & 0x80000000u), size != 0u);
    bits = select(bits, 0x7f800000u, x_size <= 0x00800000u);
    bits = select(bits, 0x7fc00000u, x_size > 0x7f800000u);
    return bitcast<f32>(bits);
}

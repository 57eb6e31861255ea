// sqrt(x), correctly rounded; 1 / sqrt(x), rounded twice (within 1.5 ULP).
//
// The root of the significand is guessed in f32, then made exact with the remainder, in wrapping integers of 32 bits.
// Operands at or below 2^-126 count as 0: their root is +0. Below that it is NaN. The root of infinity is infinity.
// Needs divide.wgsl.

fn strict_sqrt(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let size = bits & 0x7fffffffu;
    let exponent = size >> 23u;
    // n 2^-23 is from 1 to 4, and its exponent even.
    let n = ((bits & 0x007fffffu) | 0x00800000u) << (1u - (exponent & 1u));
    let y = f32(n) * 0x1p-23f;
    // 1 / sqrt(y): a guess from the bits, then steps of second and third order.
    var r = bitcast<f32>(0x5f3759dfu - (bitcast<u32>(y) >> 1u));
    r = r * (1.5 - 0.5 * y * r * r);
    let h = 1.0 - y * r * r;
    r = r + r * (h * (0.375 * h + 0.5));
    var s = u32(f32(n) * r);
    var rest = bitcast<i32>((n << 23u) - s * s);
    let more = i32(f32(rest) * r * 0x1p-24f);
    rest = rest - more * (bitcast<i32>(s + s) + more);
    s = s + bitcast<u32>(more);
    let root = select(s, s + 1u, rest > bitcast<i32>(s));
    s = select(root, s - 1u, rest <= -bitcast<i32>(s));
    var result = (((exponent + 125u) >> 1u) << 23u) + s;
    result = select(result, 0x7f800000u, size == 0x7f800000u);
    result = select(result, 0x7fc00000u, bits > 0x7f800000u);
    result = select(result, 0u, size <= 0x00800000u);
    return bitcast<f32>(result);
}

fn strict_inverse_sqrt(x: f32) -> f32 {
    return strict_divide(1.0, strict_sqrt(x));
}

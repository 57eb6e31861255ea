// Floats taken apart and put together: frexp, ldexp, and the packed formats. All exact or rounded once, by integers.
// Needs canonical.wgsl, divide.wgsl and round.wgsl.

// x = fraction 2^exponent with the fraction's size from 1/2 to 1; infinities and NaN have exponent 0.
fn strict_frexp_fract(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let ordinary = ((bits & 0x7f800000u) != 0u) & ((bits & 0x7f800000u) != 0x7f800000u);
    let zero = (bits & 0x7f800000u) == 0u;
    return bitcast<f32>(select(select(bits, 0u, zero), (bits & 0x807fffffu) | 0x3f000000u, ordinary));
}

fn strict_frexp_exp(x: f32) -> i32 {
    let exponent = (bitcast<u32>(x) >> 23u) & 0xffu;
    return select(bitcast<i32>(exponent) - 126, 0, (exponent == 0u) | (exponent == 255u));
}

// x 2^e, canonical.
fn strict_ldexp(x: f32, e: i32) -> f32 {
    let bits = bitcast<u32>(x);
    let size = bits & 0x7fffffffu;
    let exponent = bitcast<i32>(size >> 23u) + min(max(e, -512), 512);
    let moved = (size & 0x007fffffu) | (bitcast<u32>(min(max(exponent, 0), 254)) << 23u);
    let whole = select(select(moved, 0u, (exponent <= 0) | (moved <= 0x00800000u)), 0x7f800000u, exponent >= 255);
    let stays = (size <= 0x00800000u) | (size >= 0x7f800000u);
    let result = select(whole, select(size, 0u, size <= 0x00800000u), stays);
    return bitcast<f32>(select(0u, result | (bits & 0x80000000u), result != 0u));
}

// Of |x| up to 1, in steps of 1 / scale; halves round up. NaN counts as 0.
fn strict_norm(x: f32, low: f32, scale: f32) -> u32 {
    let above = select(low, x, x > low);
    let within = select(select(above, 1.0, above > 1.0), 0.0, strict_is_nan(x));
    return bitcast<u32>(i32(strict_floor(within * scale + 0.5)));
}

fn strict_pack4x8snorm(v: vec4<f32>) -> u32 {
    let x = strict_norm(v.x, -1.0, 127.0) & 0xffu;
    let y = strict_norm(v.y, -1.0, 127.0) & 0xffu;
    let z = strict_norm(v.z, -1.0, 127.0) & 0xffu;
    let w = strict_norm(v.w, -1.0, 127.0) & 0xffu;
    return x | (y << 8u) | (z << 16u) | (w << 24u);
}

fn strict_pack4x8unorm(v: vec4<f32>) -> u32 {
    let low = strict_norm(v.x, 0.0, 255.0) | (strict_norm(v.y, 0.0, 255.0) << 8u);
    return low | (strict_norm(v.z, 0.0, 255.0) << 16u) | (strict_norm(v.w, 0.0, 255.0) << 24u);
}

fn strict_pack2x16snorm(v: vec2<f32>) -> u32 {
    return (strict_norm(v.x, -1.0, 32767.0) & 0xffffu) | (strict_norm(v.y, -1.0, 32767.0) << 16u);
}

fn strict_pack2x16unorm(v: vec2<f32>) -> u32 {
    return strict_norm(v.x, 0.0, 65535.0) | (strict_norm(v.y, 0.0, 65535.0) << 16u);
}

// An integer up to 65535 over another one, rounded once.
fn strict_unnorm(x: i32, scale: f32) -> f32 {
    let ratio = strict_divide(f32(x), scale);
    return select(ratio, -1.0, ratio < -1.0);
}

fn strict_unpack4x8snorm(x: u32) -> vec4<f32> {
    let i = bitcast<i32>(x);
    return vec4<f32>(
        strict_unnorm((i << 24u) >> 24u, 127.0),
        strict_unnorm((i << 16u) >> 24u, 127.0),
        strict_unnorm((i << 8u) >> 24u, 127.0),
        strict_unnorm(i >> 24u, 127.0),
    );
}

fn strict_unpack4x8unorm(x: u32) -> vec4<f32> {
    let i = vec4<i32>((vec4<u32>(x) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
    return vec4<f32>(
        strict_unnorm(i.x, 255.0),
        strict_unnorm(i.y, 255.0),
        strict_unnorm(i.z, 255.0),
        strict_unnorm(i.w, 255.0),
    );
}

fn strict_unpack2x16snorm(x: u32) -> vec2<f32> {
    let i = bitcast<i32>(x);
    return vec2<f32>(strict_unnorm((i << 16u) >> 16u, 32767.0), strict_unnorm(i >> 16u, 32767.0));
}

fn strict_unpack2x16unorm(x: u32) -> vec2<f32> {
    return vec2<f32>(strict_unnorm(bitcast<i32>(x & 0xffffu), 65535.0), strict_unnorm(bitcast<i32>(x >> 16u), 65535.0));
}

// To 16 bits, nearest, ties to even; above 65504 infinity.
fn strict_half(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let size = bits & 0x7fffffffu;
    let sign = (bits >> 16u) & 0x8000u;
    // Normal halves: drop 13 bits. Below 2^-14: multiples of 2^-24.
    let normal = (size - 0x38000000u + 0xfffu + ((size >> 13u) & 1u)) >> 13u;
    let is_tiny = (size < 0x38800000u) & (size > 0x00800000u);
    let tiny = u32(strict_round(bitcast<f32>(select(0u, size, is_tiny)) * 0x1p24f));
    let finite = min(select(normal, tiny, size < 0x38800000u), 0x7c00u);
    let whole = select(finite, 0x7c00u, size >= 0x47800000u);
    return select(select(whole, whole | sign, whole != 0u), 0x7e00u, size > 0x7f800000u);
}

fn strict_of_half(h: u32) -> f32 {
    let size = h & 0x7fffu;
    let tiny = bitcast<u32>(f32(size) * 0x1p-24f);
    let normal = (size << 13u) + 0x38000000u;
    let finite = select(normal, tiny, size < 0x400u);
    let infinite = select(finite, 0x7f800000u, size == 0x7c00u);
    let whole = select(infinite, 0x7fc00000u, size > 0x7c00u);
    return bitcast<f32>(whole | select(0u, (h & 0x8000u) << 16u, (size != 0u) & (size <= 0x7c00u)));
}

fn strict_pack2x16float(v: vec2<f32>) -> u32 {
    return strict_half(v.x) | (strict_half(v.y) << 16u);
}

fn strict_unpack2x16float(x: u32) -> vec2<f32> {
    return vec2<f32>(strict_of_half(x & 0xffffu), strict_of_half(x >> 16u));
}

fn strict_quantize(x: f32) -> f32 {
    return strict_of_half(strict_half(x));
}

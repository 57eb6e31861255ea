// sin x, cos x and tan x for every finite x. Worst errors: docs/strict-library.md. Of infinities and NaN they are NaN.
//
// Beyond pi / 4, x is multiplied with 96 bits of 2 / pi in integers (Payne and Hanek, SIGNUM Newsletter 18, 19 (1983),
// doi:10.1145/1057600.1057602): what is left of whole quarter turns has 32 right bits for every x.
// Polynomials: interpolation at Chebyshev's nodes.
// Needs divide.wgsl and canonical.wgsl.

// a b as (low word, high word).
fn strict_wide_product(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    let ll = al * bl;
    let middle = al * bh + (ll >> 16u);
    let other = ah * bl + (middle & 0xffffu);
    return vec2<u32>((other << 16u) | (ll & 0xffffu), ah * bh + (middle >> 16u) + (other >> 16u));
}

// Word k of 2 / pi after one word of zeros.
fn strict_two_over_pi(k: u32) -> u32 {
    let low = select(select(0u, 0xa2f9836eu, k == 1u), select(0x4e441529u, 0xfc2757d1u, k == 3u), k >= 2u);
    let high = select(select(0xf534ddc0u, 0xdb629599u, k == 5u), select(0x3c439041u, 0xfe5163abu, k == 7u), k >= 6u);
    return select(low, high, k >= 4u);
}

// (r, low, n): n whole quarter turns (0 to 3), a rest r up to pi / 4 in size, and what r lost in rounding.
fn strict_turn(x: f32) -> vec3<f32> {
    let size = bitcast<u32>(x) & 0x7fffffffu;
    // x = m 2^e, and the window of 2 / pi whose product with m has two bits of whole quarter turns on top.
    let m = (size & 0x007fffffu) | 0x00800000u;
    let start = max(size >> 23u, 126u) - 120u;
    let k = start >> 5u;
    let shift = start & 31u;
    let w0 = strict_two_over_pi(k);
    let w1 = strict_two_over_pi(k + 1u);
    let w2 = strict_two_over_pi(k + 2u);
    let w3 = strict_two_over_pi(k + 3u);
    let back = 31u - shift;
    let a = (w0 << shift) | ((w1 >> 1u) >> back);
    let b = (w1 << shift) | ((w2 >> 1u) >> back);
    let c = (w2 << shift) | ((w3 >> 1u) >> back);
    let pb = strict_wide_product(m, b);
    let pc = strict_wide_product(m, c);
    let low = pb.x + pc.y;
    let top = m * a + pb.y + select(0u, 1u, low < pb.x);
    let n = (top + 0x20000000u) >> 30u;
    // The signed rest in units of 2^-62 quarter turns, its size normalised to a word.
    let rest = top - (n << 30u);
    let negative = bitcast<i32>(rest) < 0;
    let size_low = select(low, 0u - low, negative);
    let size_top = select(rest, ~rest + select(0u, 1u, low == 0u), negative);
    let far = size_top == 0u;
    let upper = select(size_top, size_low, far);
    let lower = select(size_low, 0u, far);
    let zeros = min(countLeadingZeros(upper), 31u);
    let word = (upper << zeros) | ((lower >> 1u) >> (31u - zeros));
    // Times pi / 2: 2^31 of it in a word. The product's upper word has 31 or 32 bits.
    let turned = strict_wide_product(word, 0xc90fdaa2u).y;
    let places = zeros + select(0u, 32u, far);
    let scale = bitcast<f32>((127u - 29u - places) << 23u);
    let head = turned & 0xffffff00u;
    let r = f32(head >> 8u) * 256.0 * scale;
    let tail = f32(turned & 0xffu) * scale;
    let flip = negative != (bitcast<i32>(x) < 0);
    let turns = select(n, 0u - n, bitcast<i32>(x) < 0);
    let small = size <= 0x3f490fdau;
    return vec3<f32>(
        select(select(r, 0.0 - r, flip), x, small),
        select(select(tail, 0.0 - tail, flip), 0.0, small),
        f32(select(turns & 3u, 0u, small)),
    );
}

fn strict_sin_core(t: vec3<f32>) -> f32 {
    let z = t.x * t.x;
    let p = ((2.724962e-6 * z - 0.00019840084) * z + 0.008333332) * z - 0.16666667;
    return t.x + (p * (z * t.x) + t.y * (1.0 - 0.5 * z));
}

fn strict_cos_core(t: vec3<f32>) -> f32 {
    let z = t.x * t.x;
    let p = (2.454769e-5 * z - 0.0013888301) * z + 0.041666664;
    // 1 - z / 2, and what that loses.
    let half = 0.5 * z;
    let head = 1.0 - half;
    return head + (((1.0 - head) - half) + (p * (z * z) - t.x * t.y));
}

// What is not finite is NaN; what is nearly 0 is 0.
fn strict_turn_edges(x: f32, y: f32) -> f32 {
    let bits = bitcast<u32>(strict_canonical(y));
    return bitcast<f32>(select(bits, 0x7fc00000u, (bitcast<u32>(x) & 0x7fffffffu) >= 0x7f800000u));
}

// The sine n quarter turns further.
fn strict_turned(x: f32, t: vec3<f32>, n: u32) -> f32 {
    let size = select(strict_sin_core(t), strict_cos_core(t), (n & 1u) == 1u);
    return strict_turn_edges(x, select(size, 0.0 - size, (n & 2u) == 2u));
}

fn strict_sin(x: f32) -> f32 {
    let t = strict_turn(x);
    return strict_turned(x, t, u32(t.z));
}

fn strict_cos(x: f32) -> f32 {
    let t = strict_turn(x);
    return strict_turned(x, t, u32(t.z) + 1u);
}

fn strict_tan(x: f32) -> f32 {
    let t = strict_turn(x);
    let z = t.x * t.x;
    let high = (0.0038473043 * z + 0.0011782999) * z + 0.009966545;
    let p = (((high * z + 0.021619873) * z + 0.053994626) * z + 0.1333323) * z + 0.33333334;
    let tail = p * (z * t.x);
    let rough = t.x + tail;
    let tangent = t.x + (tail + t.y * (1.0 + rough * rough));
    let odd = (u32(t.z) & 1u) == 1u;
    return strict_turn_edges(x, strict_divide(select(tangent, -1.0, odd), select(1.0, tangent, odd)));
}

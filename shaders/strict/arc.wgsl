// atan x, atan2(y, x), asin x and acos x. Worst errors: docs/strict-library.md.
//
// asin and acos are NaN beyond 1. atan2(0, 0) is 0, atan2(0, x) is pi for negative x; of two infinities it is that of two ones. 0 has no sign.
// Polynomials: interpolation at Chebyshev's nodes.
// Needs divide.wgsl, sqrt.wgsl and canonical.wgsl.

// The angle of a point in the first quadrant.
fn strict_angle(height: f32, width: f32) -> f32 {
    let steep = width < height;
    let small = select(height, width, steep);
    let large = select(width, height, steep);
    let same = small == large;
    let t = select(strict_divide(small, select(large, 1.0, large == 0.0)), select(1.0, 0.0, large == 0.0), same);
    let z = t * t;
    let high = (((0.0014886919 * z - 0.009144629) * z + 0.026305001) * z - 0.048960514) * z + 0.070319146;
    let p = ((((high * z - 0.08931827) * z + 0.11088262) * z - 0.14284004) * z + 0.1999995) * z - 0.33333334;
    let tail = p * (z * t);
    // pi / 2 in two parts.
    let steep_angle = 1.5707964 - (t + (tail + 4.371139e-8));
    return select(t + tail, steep_angle, steep);
}

fn strict_atan(x: f32) -> f32 {
    let angle = strict_signed(strict_angle(abs(x), 1.0), x);
    return select(angle, x, strict_is_nan(x));
}

fn strict_atan2(y: f32, x: f32) -> f32 {
    let height = strict_canonical(y);
    let width = strict_canonical(x);
    let angle = strict_angle(abs(height), abs(width));
    let whole = select(angle, 3.1415927 - (angle + 8.742278e-8), width < 0.0);
    let signed = strict_signed(whole, height);
    return select(signed, x + y, strict_is_nan(x) | strict_is_nan(y));
}

// asin s - s for s up to 1/2, with z = s^2.
fn strict_asin_tail(s: f32, z: f32) -> f32 {
    let high = (0.033690847 * z + 0.017149238) * z + 0.031100662;
    return (((high * z + 0.044599403) * z + 0.07500094) * z + 0.16666666) * (z * s);
}

// NaN beyond 1.
fn strict_asin_edges(x: f32, y: f32) -> f32 {
    return bitcast<f32>(select(bitcast<u32>(y), 0x7fc00000u, (bitcast<u32>(x) & 0x7fffffffu) > 0x3f800000u));
}

fn strict_asin(x: f32) -> f32 {
    let size = abs(x);
    let large = size > 0.5;
    let rest = select(0.0, 0.5 - 0.5 * size, size <= 1.0);
    let s = select(size, strict_sqrt(rest), large);
    let tail = strict_asin_tail(s, select(size * size, rest, large));
    let angle = select(s + tail, 1.5707964 - (2.0 * s + (2.0 * tail + 4.371139e-8)), large);
    return strict_asin_edges(x, strict_signed(angle, x));
}

fn strict_acos(x: f32) -> f32 {
    let size = abs(x);
    let large = size > 0.5;
    let rest = select(0.0, 0.5 - 0.5 * size, size <= 1.0);
    let root = strict_sqrt(rest);
    let s = select(x, root, large);
    let tail = strict_asin_tail(s, select(x * x, rest, large));
    let near = 2.0 * (s + tail);
    let far = 3.1415927 - (2.0 * s + (2.0 * tail + 8.742278e-8));
    let middle = 1.5707964 - (s + (tail + 4.371139e-8));
    return strict_asin_edges(x, select(middle, select(near, far, x < 0.0), large));
}

// What forces and energies of pairs share: distances in the periodic box, and 1 / r^2 without a division.
// Positions are fractions of the box in 32 bits, so that a difference wraps to the nearest image by itself, exactly.

override scale_x: f32;
override scale_y: f32;
override scale_z: f32;
override cutoff2: f32;

// From b to a, nm, nearest image.
fn pair_distance(a: vec3<u32>, b: vec3<u32>) -> vec3<f32> {
    return vec3<f32>(bitcast<vec3<i32>>(a - b)) * vec3<f32>(scale_x, scale_y, scale_z);
}

fn pair_square(r: vec3<f32>) -> f32 {
    return r.x * r.x + r.y * r.y + r.z * r.z;
}

// 1 / x to about one unit in the last place, for normal x: a guess from the bits, then Newton's iteration three times.
// Only products, differences and integers, so that the bits are the same on every device; `/` is not.
fn pair_reciprocal(x: f32) -> f32 {
    var y = bitcast<f32>(0x7ef311c7u - bitcast<u32>(x));
    y = y * (2.0 - x * y);
    y = y * (2.0 - x * y);
    return y + y * (1.0 - x * y);
}

// 1 / r^2 within the cutoff, exactly 0 from there on.
fn pair_inverse(r2: f32) -> f32 {
    return select(0.0, pair_reciprocal(r2), r2 < cutoff2);
}

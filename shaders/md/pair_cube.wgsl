// Distances in a cubic box, more exact than f32 is: Lennard-Jones forces multiply the relative error of r^2 by seven.
// Positions are fractions of the box in 32 bits, so that a difference wraps to the nearest image by itself, exactly. It is split into
// multiples of `pair_mask + 1`, of 11 bits within the cutoff, and a rest: squares of the multiples and their sum are exact
// in f32, and the rest adds what is far below its last place. Needs reciprocal.wgsl.

override pair_mask: u32;
// Square of the unit of distances in that of `i2`, a power of two that keeps its powers within f32's range.
override pair_scale: f32;
override cutoff2_units: f32;

struct Pair {
    // From b to a, nearest image, in units of 2^-32 of the box.
    r: vec3<f32>,
    // 1 / r^2 times `pair_scale` within the cutoff, exactly 0 from there on.
    i2: f32,
}

fn pair_of(a: vec3<u32>, b: vec3<u32>) -> Pair {
    let d = bitcast<vec3<i32>>(a - b);
    let whole = vec3<f32>(d & vec3<i32>(~i32(pair_mask)));
    let rest = vec3<f32>(d & vec3<i32>(i32(pair_mask)));
    let r = whole + rest;
    let more = rest * (r + whole);
    let exact = whole.x * whole.x + whole.y * whole.y + whole.z * whole.z;
    let added = more.x + more.y + more.z;
    let r2 = exact + added;
    let lost = added - (r2 - exact);
    return Pair(r, select(0.0, reciprocal(r2, lost) * pair_scale, r2 < cutoff2_units));
}

// Distances in a cubic box, more exact than f32 is: Lennard-Jones forces multiply the relative error of r^2 by seven.
// Positions are fractions of the box in 32 bits, so that a difference wraps to the nearest image by itself, exactly. It is split into a
// whole number of units of 2^pair_shift, below 2^11 within the cutoff, and a rest below 1: squares of the whole part and their
// sum are exact in f32, and the rest adds what is far below its last place. Needs reciprocal.wgsl.

override pair_shift: u32;
override pair_mask: u32;
override pair_rest: f32;
// Units of 2^pair_shift, squared.
override cutoff2_units: f32;

struct Pair {
    // From b to a, nearest image, in units of 2^pair_shift.
    r: vec3<f32>,
    // 1 / r^2 in units 2^11 times as large, within the cutoff; exactly 0 from there on.
    i2: f32,
}

fn pair_of(a: vec3<u32>, b: vec3<u32>) -> Pair {
    let d = bitcast<vec3<i32>>(a - b);
    let whole = vec3<f32>(d >> vec3<u32>(pair_shift));
    let rest = vec3<f32>(d & vec3<i32>(i32(pair_mask))) * pair_rest;
    let r = whole + rest;
    let more = rest * (r + whole);
    let exact = whole.x * whole.x + whole.y * whole.y + whole.z * whole.z;
    let added = more.x + more.y + more.z;
    let r2 = exact + added;
    let lost = added - (r2 - exact);
    return Pair(r, select(0.0, reciprocal(r2, lost) * 4194304.0, r2 < cutoff2_units));
}

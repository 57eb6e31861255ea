// Distances in a cubic box. Lennard-Jones forces multiply the relative error of r^2 by seven, so where forces are large it is computed more
// exactly than f32 is.
// Positions are fractions of the box in 32 bits, so that a difference wraps to the nearest image by itself, exactly. They are split into
// multiples of `pair_mask + 1`, whose differences have 11 bits within the cutoff, and a rest: squares of those differences and their sum are exact
// in f32, and the rest adds what is far below the sum's last place.

override pair_mask: u32;
// Square of the unit of distances in that of `i2`, a power of two that keeps its powers within f32's range.
override pair_scale: f32;
override cutoff2_units: f32;
// nm for each unit of a position.
override scale_x: f32;

// A position, and its two parts.
struct Place {
    x: vec3<u32>,
    whole: vec3<i32>,
    rest: vec3<f32>,
}

struct Pair {
    // From b to a, nearest image, in units of 2^-32 of the box.
    r: vec3<f32>,
    // 1 / r^2 times `pair_scale` within the cutoff, exactly 0 from there on.
    i2: f32,
}

fn pair_place(x: vec3<u32>) -> Place {
    let whole = bitcast<vec3<i32>>(x & vec3<u32>(~pair_mask));
    return Place(x, whole, vec3<f32>(bitcast<vec3<i32>>(x & vec3<u32>(pair_mask))));
}

// To f32's last place. Whether the pair is within the cutoff is decided by the square that `pair_far` has, so that the two clusters of a pair agree
// whichever of them counts it as near.
fn pair_near(a: Place, b: Place) -> Pair {
    let whole = vec3<f32>(a.whole - b.whole);
    let rest = a.rest - b.rest;
    let r = vec3<f32>(bitcast<vec3<i32>>(a.x - b.x));
    let more = rest * (r + whole);
    let exact = whole.x * whole.x + whole.y * whole.y + whole.z * whole.z;
    let added = more.x + more.y + more.z;
    let r2 = exact + added;
    let square = r.x * r.x + r.y * r.y + r.z * r.z;
    return Pair(r, select(0.0, (1.0 / r2) * pair_scale, square < cutoff2_units));
}

// As f32 leaves it.
fn pair_far(a: vec3<u32>, b: vec3<u32>) -> Pair {
    let r = vec3<f32>(bitcast<vec3<i32>>(a - b));
    let r2 = r.x * r.x + r.y * r.y + r.z * r.z;
    return Pair(r, select(0.0, (1.0 / r2) * pair_scale, r2 < cutoff2_units));
}

// Square of a distance, nm^2.
fn pair_square(a: vec3<u32>, b: vec3<u32>) -> f32 {
    let r = vec3<f32>(bitcast<vec3<i32>>(a - b));
    return (r.x * r.x + r.y * r.y + r.z * r.z) * (scale_x * scale_x);
}

// Distances in a box of unequal edges, in nm. Positions are fractions of the box in 32 bits, so that a difference wraps to the
// nearest image by itself, exactly.

override scale_x: f32;
override scale_y: f32;
override scale_z: f32;
override cutoff2: f32;

// A position.
struct Place {
    x: vec3<u32>,
}

struct Pair {
    // From b to a, nearest image.
    r: vec3<f32>,
    // 1 / r^2 within the cutoff, exactly 0 from there on.
    i2: f32,
}

fn pair_place(x: vec3<u32>) -> Place {
    return Place(x);
}

// Edges of three units leave nothing exact, so near pairs are as far ones.
fn pair_near(a: Place, b: Place) -> Pair {
    return pair_far(a.x, b.x);
}

fn pair_of(a: vec3<u32>, b: vec3<u32>) -> vec3<f32> {
    return vec3<f32>(bitcast<vec3<i32>>(a - b)) * vec3<f32>(scale_x, scale_y, scale_z);
}

fn pair_far(a: vec3<u32>, b: vec3<u32>) -> Pair {
    let r = pair_of(a, b);
    let r2 = r.x * r.x + r.y * r.y + r.z * r.z;
    return Pair(r, select(0.0, 1.0 / r2, r2 < cutoff2));
}

// Square of a distance, nm^2.
fn pair_square(a: vec3<u32>, b: vec3<u32>) -> f32 {
    let r = pair_of(a, b);
    return r.x * r.x + r.y * r.y + r.z * r.z;
}

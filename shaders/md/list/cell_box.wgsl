// Distances in a rectangular periodic box. Positions are fractions of the box in 32 bits, so that a difference wraps to the nearest image by
// itself, exactly. `scale_*`: nm for each unit of a position.

override scale_x: f32;
override scale_y: f32;
override scale_z: f32;

// A difference of positions, nm.
fn cell_nm(difference: vec3<u32>) -> vec3<f32> {
    return vec3<f32>(bitcast<vec3<i32>>(difference)) * vec3<f32>(scale_x, scale_y, scale_z);
}

// Square of a distance, nm^2.
fn pair_square(a: vec3<u32>, b: vec3<u32>) -> f32 {
    let r = cell_nm(a - b);
    return r.x * r.x + r.y * r.y + r.z * r.z;
}

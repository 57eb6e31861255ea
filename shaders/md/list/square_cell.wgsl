// Square of a distance in any cell, nm^2. Needs cell.wgsl.

fn pair_square(a: vec3<u32>, b: vec3<u32>) -> f32 {
    let r = cell_nm(a - b);
    return r.x * r.x + r.y * r.y + r.z * r.z;
}

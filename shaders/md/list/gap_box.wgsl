// Sizes of boxes and gaps between them in a rectangular periodic box. `scale_*`: nm for each unit of a position. Needs box.wgsl.

override scale_x: f32;
override scale_y: f32;
override scale_z: f32;

// Half of a box's edges, nm.
fn box_half_nm(box: vec4<u32>) -> vec3<f32> {
    return vec3<f32>(bitcast<vec3<i32>>(box_half(box) << vec3<u32>(21u))) * (2.0 * vec3<f32>(scale_x, scale_y, scale_z));
}

// Square of the least distance between points of two boxes, nm^2, from their centres (fixed point) and half of their edges (nm).
fn box_gap_square(a: vec3<u32>, a_half: vec3<f32>, b: vec3<u32>, b_half: vec3<f32>) -> f32 {
    let between = abs(vec3<f32>(bitcast<vec3<i32>>(a - b)) * vec3<f32>(scale_x, scale_y, scale_z)) - (a_half + b_half);
    let gap = select(vec3<f32>(), between, between > vec3<f32>());
    return gap.x * gap.x + gap.y * gap.y + gap.z * gap.z;
}

// Distances in a rectangular periodic box whose size is part of the state: as cell_box.wgsl, with edges `box_scale[0]` times those of the reference box, rounded to f32.
// Bindings: `box_scale`, number 15 in every pass.

override scale_x: f32;
override scale_y: f32;
override scale_z: f32;

@group(0) @binding(15) var<storage, read> box_scale: array<f32>;

// A difference of positions, nm.
fn cell_nm(difference: vec3<u32>) -> vec3<f32> {
    return vec3<f32>(bitcast<vec3<i32>>(difference)) * (vec3<f32>(scale_x, scale_y, scale_z) * box_scale[0]);
}

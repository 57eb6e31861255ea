// The size of a box that is part of the state, for its columns: its scale s, and s^-3, which density goes by. `box_sums`: 64-bit fixed point. Needs fixed64.wgsl.

@group(0) @binding(0) var<storage, read> box_scale: array<f32>;
@group(0) @binding(1) var<storage, read_write> box_sums: array<vec2<u32>>;

@compute @workgroup_size(1)
fn box_size() {
    let s = box_scale[0];
    box_sums[0] = fixed64_of(s);
    box_sums[1] = fixed64_of(1.0 / (s * s * s));
}

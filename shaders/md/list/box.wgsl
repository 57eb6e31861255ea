// Boxes around groups of atoms, and groups of groups, in the fixed-point coordinates of the periodic box, where differences
// wrap and are exact. A box is a vec4: its centre, and half of its edges in 1/1024 of the periodic box's edge, 10 bits each in w.
// It may be larger than need be, never smaller.

// Boxes whose half edges are longer hold mostly nothing: an eighth of the periodic box.
const BOX_WIDE: u32 = 127u;
// Half of an edge that reaches everywhere.
const BOX_ALL: u32 = 512u;

fn box_half(box: vec4<u32>) -> vec3<u32> {
    return (vec3<u32>(box.w) >> vec3<u32>(0u, 10u, 20u)) & vec3<u32>(1023u);
}

fn box_pack(center: vec3<u32>, half: vec3<u32>) -> vec4<u32> {
    return vec4<u32>(center, half.x | (half.y << 10u) | (half.z << 20u));
}

// The box around points `reference + d`, lo <= d <= hi.
fn box_of(reference: vec3<u32>, lo: vec3<i32>, hi: vec3<i32>) -> vec4<u32> {
    let edges = bitcast<vec3<u32>>(hi) - bitcast<vec3<u32>>(lo);
    let center = reference + bitcast<vec3<u32>>(lo) + (edges >> vec3<u32>(1u));
    return box_pack(center, ((edges >> vec3<u32>(1u)) >> vec3<u32>(22u)) + vec3<u32>(1u));
}

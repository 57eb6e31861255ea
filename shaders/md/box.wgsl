// Boxes around groups of atoms, and groups of groups, in the fixed-point coordinates of the periodic box, where differences
// wrap and are exact. A box is a vec4: its centre, and half of its edges in 1/1024 of the periodic box's edge, 10 bits each in w.
// It may be larger than need be, never smaller.

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

// The least distance along each axis between points of two boxes, fixed point.
fn box_gap(a: vec4<u32>, b: vec4<u32>) -> vec3<u32> {
    let ahead = a.xyz - b.xyz;
    let between = min(ahead, vec3<u32>() - ahead);
    let reach = min(box_half(a) + box_half(b), vec3<u32>(1023u)) << vec3<u32>(22u);
    return between - min(between, reach);
}

// Square of that distance, nm^2; `scale`: nm for each unit.
fn box_gap_square(a: vec4<u32>, b: vec4<u32>, scale: vec3<f32>) -> f32 {
    let r = vec3<f32>(box_gap(a, b)) * scale;
    return r.x * r.x + r.y * r.y + r.z * r.z;
}

// A point of a box in 1/1024 of the box's edges, 10 bits for each axis.
fn box_shape(box: vec4<u32>, point: vec3<u32>) -> u32 {
    let half = box_half(box);
    let at = min((point - (box.xyz - (half << vec3<u32>(22u)))) / (half << vec3<u32>(13u)), vec3<u32>(1023u));
    return at.x | (at.y << 10u) | (at.z << 20u);
}

// How far at most from where `box_place` says such a point was, fixed point, along each axis.
fn box_vague(box: vec4<u32>) -> vec3<u32> {
    return box_half(box) << vec3<u32>(12u);
}

fn box_place(box: vec4<u32>, shape: u32) -> vec3<u32> {
    let half = box_half(box);
    let at = (vec3<u32>(shape) >> vec3<u32>(0u, 10u, 20u)) & vec3<u32>(1023u);
    return box.xyz + ((at << vec3<u32>(13u)) - vec3<u32>(0x3ff000u)) * half;
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<f32>;
@group(0) @binding(2) var<uniform> flags: vec4<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var x = a[id.x];
    if (flags.x > 3u) { x = x * 2.0; }
    if (x > 1.0) { x = sqrt(x); } else { x = -x; }
    switch u32(x) {
        case 1u, 2u: { x += 1.0; }
        case 7u: { return; }
        default: { x -= 1.0; }
    }
    b[id.x] = x;
}

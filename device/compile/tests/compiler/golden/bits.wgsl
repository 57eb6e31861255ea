@group(0) @binding(0) var<storage, read> a: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> b: array<vec2<f32>>;
@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let x = a[id.x];
    let y = vec2<f32>(f32(extractBits(x.x, 3u, 9u)), f32(i32(reverseBits(x.y))));
    b[id.x] = select(y, bitcast<vec2<f32>>(x ^ (x >> vec2<u32>(7u))), x > vec2<u32>(100u));
}

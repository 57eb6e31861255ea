// Weights kept small: two fixed-point numbers to a word.

@group(0) @binding(0) var<storage, read_write> weights: array<u32>;

@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = vec2<u32>(weights[id.x] & 0xffffu, weights[id.x] >> 16u);
    let scaled = (pair * 3u) >> vec2<u32>(1u); // good
    weights[id.x] = min(scaled.x, 0xffffu) | (min(scaled.y, 0xffffu) << 16u);
}

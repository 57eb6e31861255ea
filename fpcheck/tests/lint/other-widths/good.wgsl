// A counter that does not overflow: low and high word, with carry.

@group(0) @binding(0) var<storage, read_write> counts: array<vec2<u32>>;

@compute @workgroup_size(64)
fn count(@builtin(global_invocation_id) id: vec3<u32>) {
    let low = counts[id.x].x + 1u;
    counts[id.x] = vec2<u32>(low, counts[id.x].y + u32(low == 0u)); // good
}

// A counter that does not overflow.

@group(0) @binding(0) var<storage, read_write> counts: array<vec2<u32>>;

@compute @workgroup_size(64)
fn count(@builtin(global_invocation_id) id: vec3<u32>) {
    let old = u64(counts[id.x].x); // bad
    counts[id.x].x = u32(old + 1lu); // bad
}

// The smallest distance, starting from more than any.

@group(0) @binding(0) var<storage, read_write> distances: array<f32>;

@compute @workgroup_size(64)
fn nearest(@builtin(global_invocation_id) id: vec3<u32>) {
    var least = 1e30; // good
    for (var k = 0u; k < 8u; k++) {
        least = min(least, distances[8u * id.x + k]);
    }
    distances[8u * id.x] = least;
}

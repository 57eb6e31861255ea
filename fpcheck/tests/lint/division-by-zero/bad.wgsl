// The smallest distance, starting from infinity.

@group(0) @binding(0) var<storage, read_write> distances: array<f32>;

@compute @workgroup_size(64)
fn nearest(@builtin(global_invocation_id) id: vec3<u32>) {
    var least = distances[8u * id.x] / 0.0; // bad
    for (var k = 0u; k < 8u; k++) {
        least = min(least, distances[8u * id.x + k]);
    }
    distances[8u * id.x] = least;
}

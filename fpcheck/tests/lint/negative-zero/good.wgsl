// The direction of each velocity. A velocity of 0 has none, whatever its sign.

@group(0) @binding(0) var<storage, read> velocities: array<f32>;
@group(0) @binding(1) var<storage, read_write> directions: array<u32>;

@compute @workgroup_size(64)
fn direction(@builtin(global_invocation_id) id: vec3<u32>) {
    let v = velocities[id.x];
    directions[2u * id.x] = u32(v < 0.0); // good
    directions[2u * id.x + 1u] = u32(v == 0.0);
}

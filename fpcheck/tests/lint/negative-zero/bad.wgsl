// The direction of each velocity, read off its sign bit.

@group(0) @binding(0) var<storage, read> velocities: array<f32>;
@group(0) @binding(1) var<storage, read_write> directions: array<u32>;

@compute @workgroup_size(64)
fn direction(@builtin(global_invocation_id) id: vec3<u32>) {
    let v = velocities[id.x];
    directions[4u * id.x] = bitcast<u32>(v) >> 31u; // bad
    directions[4u * id.x + 1u] = bitcast<u32>(v) & 0x80000000u; // bad
    directions[4u * id.x + 2u] = u32(bitcast<u32>(v) == 0u); // bad
    directions[4u * id.x + 3u] = u32(1.0 / v < 0.0); // bad
}

// How many particles are inside, and of each whether it is: a later pass gives each its place by a prefix sum.

@group(0) @binding(0) var<storage, read> positions: array<f32>;
@group(0) @binding(1) var<storage, read_write> inside: array<u32>;
@group(0) @binding(2) var<storage, read_write> count: array<atomic<u32>>;

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3<u32>) {
    let is_inside = positions[id.x] < 1.0;
    inside[id.x] = u32(is_inside);
    if is_inside {
        atomicAdd(&count[0], 1u); // good
    }
}

// A list of the particles inside, in the order in which invocations come.

@group(0) @binding(0) var<storage, read> positions: array<f32>;
@group(0) @binding(1) var<storage, read_write> inside: array<u32>;
@group(0) @binding(2) var<storage, read_write> count: array<atomic<u32>>;

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3<u32>) {
    if positions[id.x] < 1.0 {
        let place = atomicAdd(&count[0], 1u); // bad
        inside[place] = id.x;
    }
}

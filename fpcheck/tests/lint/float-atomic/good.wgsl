// The total of all weights in fixed point: integers have no order to depend on.

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<atomic<i32>>;

@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < arrayLength(&weights) {
        atomicAdd(&total[0], i32(weights[id.x] * 65536.0)); // good
    }
}

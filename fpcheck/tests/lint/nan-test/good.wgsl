// Forces out of the range that can be right are counted; NaN is not in it.

@group(0) @binding(0) var<storage, read> forces: array<f32>;
@group(0) @binding(1) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn check(@builtin(global_invocation_id) id: vec3<u32>) {
    let f = forces[id.x];
    if !(abs(f) < 1e6) { // good
        atomicMax(&fault[0], 1u);
    }
}

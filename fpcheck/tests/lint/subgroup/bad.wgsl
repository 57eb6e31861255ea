// Sums over whatever the hardware runs together.

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;

@compute @workgroup_size(64)
fn sum(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32, // bad
) {
    let all = subgroupAdd(values[id.x]); // bad
    if lane == 0u {
        sums[id.x] = all;
    }
}

// Sums over workgroups, whose size is written here.

@group(0) @binding(0) var<storage, read> values: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;

var<workgroup> all: atomic<u32>;

@compute @workgroup_size(64)
fn sum(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    atomicAdd(&all, values[id.x]); // good
    workgroupBarrier();
    if lane == 0u {
        sums[group.x] = atomicLoad(&all);
    }
}

// The total of all weights, by a tree of fixed shape in each workgroup and one partial sum for each.

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;

const lanes: u32 = 64u;
var<workgroup> sums: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn sum(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    sums[lane] = weights[id.x];
    for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sums[lane] += sums[lane + reach]; // good
        }
    }
    if lane == 0u {
        partial[group.x] = sums[0];
    }
}

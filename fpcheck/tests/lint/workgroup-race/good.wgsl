// A sum over a workgroup: in each round, what is read was written before the barrier.

@group(0) @binding(0) var<storage, read_write> values: array<f32>;

const lanes: u32 = 64u;
var<workgroup> sums: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn sum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    sums[lane] = values[id.x];
    workgroupBarrier();
    for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
        if lane < reach {
            sums[lane] += sums[lane + reach];
        }
        workgroupBarrier(); // good
    }
    values[id.x] = sums[0];
}

// The sum of 64 energies in 64-bit fixed point, one an invocation. Called in uniform control flow by all invocations of a workgroup; the result is
// invocation 0's. Needs fixed64.wgsl.

var<workgroup> cluster_tree: array<vec2<u32>, 64>;

fn cluster_sum(local: u32, sum: vec2<u32>) -> vec2<u32> {
    cluster_tree[local] = sum;
    workgroupBarrier();
    for (var reach = 32u; reach > 0u; reach >>= 1u) {
        if local < reach {
            cluster_tree[local] = fixed64_add(cluster_tree[local], cluster_tree[local + reach]);
        }
        workgroupBarrier();
    }
    return cluster_tree[0];
}

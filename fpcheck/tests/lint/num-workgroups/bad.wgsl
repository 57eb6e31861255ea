// Each invocation sums every n-th value, where n is however many invocations there are.

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn sum(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>, // bad
) {
    var sum = 0.0;
    for (var at = id.x; at < arrayLength(&values); at += 64u * groups.x) {
        sum += values[at];
    }
    sums[id.x] = sum;
}

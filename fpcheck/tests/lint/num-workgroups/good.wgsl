// Each invocation sums every n-th value, where n is part of the problem.

override strands: u32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= strands {
        return;
    }
    var sum = 0.0;
    for (var at = id.x; at < arrayLength(&values); at += strands) { // good
        sum += values[at];
    }
    sums[id.x] = sum;
}

// Differences of neighbours in a workgroup, around its end.

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> steps: array<f32>;

const lanes: u32 = 64u;
var<workgroup> row: array<f32, lanes>;

@compute @workgroup_size(lanes)
fn step(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    row[lane] = values[id.x];
    workgroupBarrier();
    steps[id.x] = row[(lane + 1u) % lanes] - row[lane]; // good
}

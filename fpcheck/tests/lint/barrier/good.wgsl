// Neighbours of a workgroup exchanged; the invocations past the end come along and write nothing.

@group(0) @binding(0) var<storage, read_write> values: array<u32>;

const lanes: u32 = 64u;
override count: u32 = 1000u;
var<workgroup> row: array<u32, lanes>;

@compute @workgroup_size(lanes)
fn turn(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if id.x < count { row[lane] = values[id.x]; }
    workgroupBarrier(); // good
    if id.x < count { values[id.x] = row[lanes - 1u - lane]; }
}

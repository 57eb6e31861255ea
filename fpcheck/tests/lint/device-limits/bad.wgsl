// A tile that only some devices can hold.

@group(0) @binding(0) var<storage, read_write> values: array<f32>;

var<workgroup> tile: array<f32, 8192>;

@compute @workgroup_size(64)
fn shift(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) { // bad
    tile[lane] = values[id.x];
    workgroupBarrier();
    values[id.x] = tile[lane ^ 1u];
}

// Empties the sums of forces before the terms of a step add to them. `force_sums`: 3 an atom.

override atoms: u32;

@group(0) @binding(0) var<storage, read_write> force_sums: array<i32>;

@compute @workgroup_size(64)
fn clear_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    force_sums[3u * tag] = 0;
    force_sums[3u * tag + 1u] = 0;
    force_sums[3u * tag + 2u] = 0;
}

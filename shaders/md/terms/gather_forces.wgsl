// What sums by slot hold, and the reciprocal sum's force, added to integer sums by tag: before virtual sites hand over what they feel, and where one pass
// has no binding left for all. One invocation an atom. `force_sums`: 3 words an atom. Needs slot_sums.wgsl and pme_force.wgsl, or those that stand for none.

override atoms: u32;

@group(0) @binding(3) var<storage, read_write> force_sums: array<i32>;

@compute @workgroup_size(64)
fn gather_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let more = slot_sums(tag) + reciprocal_force(tag);
    force_sums[3u * tag] += more.x;
    force_sums[3u * tag + 1u] += more.y;
    force_sums[3u * tag + 2u] += more.z;
}

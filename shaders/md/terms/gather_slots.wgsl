// Integer force sums of sorted atoms (`slot_force_sums`, four words a slot, the last one unused) are added to those of atoms by tag (`force_sums`), and become 0 for the
// next step; at the start of a segment all scratch is 0. Each tag has one slot. `origin`: tag in w.

override atoms: u32;

@group(0) @binding(0) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> slot_force_sums: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> force_sums: array<i32>;

@compute @workgroup_size(64)
fn gather_slots(@builtin(global_invocation_id) id: vec3<u32>) {
    let slot = id.x;
    if slot >= atoms {
        return;
    }
    let tag = origin[slot].w & 0x7fffffffu;
    let sum = slot_force_sums[slot];
    slot_force_sums[slot] = vec4<i32>();
    force_sums[3u * tag] += sum.x;
    force_sums[3u * tag + 1u] += sum.y;
    force_sums[3u * tag + 2u] += sum.z;
}

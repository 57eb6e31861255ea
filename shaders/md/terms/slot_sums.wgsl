// What integer sums by slot hold of an atom (`slot_force_sums`, four words a slot, the last one unused); they become 0 for the next step. Each tag has one slot.
// `slots_by_tag`: each atom's slot.

@group(0) @binding(5) var<storage, read> slots_by_tag: array<u32>;
@group(0) @binding(6) var<storage, read_write> slot_force_sums: array<vec4<i32>>;

fn slot_sums(tag: u32) -> vec3<i32> {
    let slot = slots_by_tag[tag];
    let sums = slot_force_sums[slot].xyz;
    slot_force_sums[slot] = vec4<i32>();
    return sums;
}

// Forces of sorted atoms as sums of integers (force_round.wgsl): as force_sums.wgsl, but by slot, four words each.
// Needs a binding `slot_force_sums: array<atomic<i32>>`.

fn force_add(slot: u32, force: vec3<i32>) {
    atomicAdd(&slot_force_sums[4u * slot], force.x);
    atomicAdd(&slot_force_sums[4u * slot + 1u], force.y);
    atomicAdd(&slot_force_sums[4u * slot + 2u], force.z);
}

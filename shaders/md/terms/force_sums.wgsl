// Forces as sums of integers (force_round.wgsl): sums are exact, so their order cannot matter, and partial sums may overflow.
// Needs a binding `force_sums: array<atomic<i32>>`, 3 an atom.

fn force_add(tag: u32, force: vec3<i32>) {
    atomicAdd(&force_sums[3u * tag], force.x);
    atomicAdd(&force_sums[3u * tag + 1u], force.y);
    atomicAdd(&force_sums[3u * tag + 2u], force.z);
}

// Forces of sorted atoms as sums of integers, each contribution rounded to the nearest by itself: as force_sums.wgsl, but by slot, four words each.
// `force_scale`: units for each kJ/mol/nm. Needs bindings `slot_force_sums: array<atomic<i32>>` and `fault: array<atomic<u32>>`.
// `fault` 6: a contribution does not fit 31 bits, or is not a number.

override force_scale: f32;

fn force_round(force: vec3<f32>) -> vec3<i32> {
    let scaled = force * force_scale;
    if !all(abs(scaled) < vec3<f32>(2147483520.0)) {
        atomicMax(&fault[0], 6u);
        return vec3<i32>();
    }
    return vec3<i32>(scaled + select(vec3<f32>(-0.5), vec3<f32>(0.5), scaled >= vec3<f32>()));
}

fn force_add(slot: u32, force: vec3<i32>) {
    atomicAdd(&slot_force_sums[4u * slot], force.x);
    atomicAdd(&slot_force_sums[4u * slot + 1u], force.y);
    atomicAdd(&slot_force_sums[4u * slot + 2u], force.z);
}

// The sum of 64 energies, one an invocation, in 64-bit fixed point. Called in uniform control flow by all invocations of a workgroup; the result
// is invocation 0's. Needs fixed64.wgsl, and a binding `fault: array<atomic<u32>>`.
// `fault` 3: an energy is out of range, or is not a number.

var<workgroup> energy_tree: array<vec2<u32>, 64>;

fn energy_sum(local: u32, energy: f32) -> vec2<u32> {
    if !fixed64_fits(energy) {
        atomicMax(&fault[0], 3u);
    }
    energy_tree[local] = fixed64_of(energy);
    workgroupBarrier();
    for (var reach = 32u; reach > 0u; reach >>= 1u) {
        if local < reach {
            energy_tree[local] = fixed64_add(energy_tree[local], energy_tree[local + reach]);
        }
        workgroupBarrier();
    }
    return energy_tree[0];
}

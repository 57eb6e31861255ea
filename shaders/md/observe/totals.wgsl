// The system's energies: each of `energies` is a sum of `energy_slots` with small integer weights, 64-bit fixed point, kJ/mol.
// `energy_weights`: a row of `energy_slots_count` weights for each of `energy_quantities`. Needs fixed64.wgsl.

override energy_slots_count: u32;
override energy_quantities: u32;

@group(0) @binding(0) var<storage, read> energy_slots: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> energy_weights: array<i32>;
@group(0) @binding(2) var<storage, read_write> energies: array<vec2<u32>>;

@compute @workgroup_size(64)
fn totals(@builtin(global_invocation_id) id: vec3<u32>) {
    let quantity = id.x;
    if quantity >= energy_quantities {
        return;
    }
    var sum = vec2<u32>();
    for (var slot = 0u; slot < energy_slots_count; slot++) {
        let weight = energy_weights[quantity * energy_slots_count + slot];
        let one = energy_slots[slot];
        for (var k = 0; k < abs(weight); k++) {
            if weight > 0 {
                sum = fixed64_add(sum, one);
            } else {
                sum = fixed64_sub(sum, one);
            }
        }
    }
    energies[quantity] = sum;
}

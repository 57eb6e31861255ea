// What both halves of a Monte Carlo move of the volume share: the potential energy, and the two random words of a step.
// Needs threefry.wgsl, fixed64.wgsl, and bindings `energy_slots: array<vec2<u32>>`, `energy_weights: array<i32>` (row 0 is the potential's) and `clock`.
// `seed_low`, `seed_high`, `barostat_stream`: as kernels/src/random.rs.
//
// `barostat_trial`: [0], [1] potential energy before the move, 64-bit fixed point; [2] bits of the scale before; [3] bits of (old - new) / new scale; [4] 1 if
// the move was rejected.

override energy_slots_count: u32;
override seed_low: u32;
override seed_high: u32;
override barostat_stream: u32;

fn barostat_potential() -> vec2<u32> {
    var sum = vec2<u32>();
    for (var slot = 0u; slot < energy_slots_count; slot++) {
        for (var k = 0; k < energy_weights[slot]; k++) {
            sum = fixed64_add(sum, energy_slots[slot]);
        }
    }
    return sum;
}

// Word 0 proposes, word 1 decides.
fn barostat_words() -> vec2<u32> {
    let key = threefry2x32(vec2<u32>(barostat_stream, clock.y), vec2<u32>(seed_low, seed_high));
    return threefry2x32(vec2<u32>(0u, clock.x), key);
}

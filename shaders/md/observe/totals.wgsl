// The system's energies from the workgroups' sums, 64-bit fixed point, kJ/mol. `energies`: potential, kinetic, virial, total
// (potential and kinetic), conserved (total, each pair's energy taken relative to its value at the cutoff: what the equations of
// motion conserve), and 2 kinetic + virial (three volumes times the pressure). Needs fixed64.wgsl.

override pair_groups: u32;
override kinetic_groups: u32;

@group(0) @binding(0) var<storage, read> pair_sums: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> kinetic_sums: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> energies: array<vec2<u32>>;

// 16 slots for each of the four sums.
var<workgroup> totals_tree: array<vec2<u32>, 64>;

@compute @workgroup_size(64)
fn totals(@builtin(local_invocation_index) local: u32) {
    let quantity = local / 16u;
    var sum = vec2<u32>();
    if quantity < 3u {
        for (var group = local % 16u; group < pair_groups; group += 16u) {
            sum = fixed64_add(sum, pair_sums[group * 3u + quantity]);
        }
    } else {
        for (var group = local % 16u; group < kinetic_groups; group += 16u) {
            sum = fixed64_add(sum, kinetic_sums[group]);
        }
    }
    totals_tree[local] = sum;
    workgroupBarrier();
    for (var reach = 8u; reach > 0u; reach >>= 1u) {
        if local % 16u < reach {
            totals_tree[local] = fixed64_add(totals_tree[local], totals_tree[local + reach]);
        }
        workgroupBarrier();
    }
    if local == 0u {
        let potential = totals_tree[0];
        let at_cutoff = totals_tree[16];
        let virial = totals_tree[32];
        let kinetic = totals_tree[48];
        let total = fixed64_add(potential, kinetic);
        energies[0] = potential;
        energies[1] = kinetic;
        energies[2] = virial;
        energies[3] = total;
        energies[4] = fixed64_sub(total, at_cutoff);
        energies[5] = fixed64_add(fixed64_add(kinetic, kinetic), virial);
    }
}

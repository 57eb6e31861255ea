// Generalised Born energy: what each atom has by itself, and each pair within the cutoff, in 64-bit fixed point, summed over the 64 clusters of a
// workgroup. One invocation a cluster. With a cutoff each pair's energy is shifted by c q q / cutoff (`gb_shift`, 1/nm), as OpenMM has it.
// Needs list_rows.wgsl, cluster_pairs.wgsl, gb.wgsl with its cell file, gb_charge.wgsl, fixed64.wgsl and cluster_sum.wgsl.
// `gb_energy_sums`: one for each workgroup. `fault` 3: an energy is out of range.

override atoms: u32;
override clusters: u32;
override gb_shift: f32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> gb_kinds: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gb_born: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> gb_energy_sums: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn gb_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let own = id.x;
    var sum = vec2<u32>();
    if own < clusters {
        let pairs = counts[own].xy;
        let row = list[list_head(own)];
        for (var m = 0u; m < 4u; m++) {
            let first = 4u * own + m;
            if first < atoms {
                let a = gb_atom(sorted[first]);
                let born = gb_born[first];
                if !fixed64_fits(born.w) {
                    atomicMax(&fault[0], 3u);
                }
                sum = fixed64_add(sum, fixed64_of(born.w));
                let count = pairs.x + pairs.y;
                for (var k = 0u; k < count; k++) {
                    let partner = cluster_partner(pairs, row, m, k);
                    let slot = partner & CLUSTER_SLOT;
                    let present = (slot < atoms) & ((partner & CLUSTER_NONE) == 0u);
                    let b = gb_atom(sorted[slot]);
                    let g = gb_pair(a, b);
                    let charge = gb_charge(a, b, g, born.x * select(born.x, gb_born[slot].x, present));
                    let shifted = charge.energy - gb_charges * a.charge * b.charge * gb_shift;
                    let energy = select(0.0, shifted, g.within & present);
                    if !fixed64_fits(energy) {
                        atomicMax(&fault[0], 3u);
                    }
                    sum = fixed64_add(sum, fixed64_of(energy));
                }
            }
        }
    }
    let total = cluster_sum(local, sum);
    if local == 0u {
        gb_energy_sums[group.x] = total;
    }
}

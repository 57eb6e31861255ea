// Lennard-Jones energy, Coulomb energy (without charges: the energy at the cutoff) and virial r . F, kJ/mol: each pair once, each pair's numbers cut to 64-bit fixed
// point by themselves and summed over the 16 clusters of a workgroup, so that sums depend on the pairs within the cutoff alone. As in pair_forces.wgsl, each of a
// cluster's four invocations takes every fourth neighbor. Needs list_rows.wgsl, fixed64.wgsl, fixed64_series.wgsl and pair.wgsl or pair_lennard_jones.wgsl with its files.
// `pair_sums`: for each workgroup these three. `fault` 3: a pair's energy is out of range.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> pair_sums: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

var<workgroup> pair_tree: array<vec2<u32>, 64>;

// Words of a row that are computed before their sums are added to those of 64 bits: four pairs in each, a quarter of them for each invocation.
const PAIR_STRETCH: u32 = FIXED64_SERIES / 2u;

// Pairs of a neighbor with the cluster's atoms that `excluded` does not name. Whether all were in range.
fn pair_sums_of(first: u32, b: PairAtom, excluded: u32, sums: ptr<function, Fixed64Series>) -> bool {
    var fits = true;
    for (var m = 0u; m < 4u; m++) {
        let a = pair_own(sorted[first + m], first + m < atoms, 1.0);
        let g = pair_geometry(a.position, b.position, cutoff2);
        if g.within & (((excluded >> m) & 1u) == 0u) {
            let one = pair_energies_of(g, a, b);
            fits &= fixed64_fits(one.x) & fixed64_fits(one.y) & fixed64_fits(one.z);
            fixed64_series_add(sums, one);
        }
    }
    return fits;
}

@compute @workgroup_size(64)
fn pair_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let own = id.x / 4u;
    let lane = id.x % 4u;
    let first = 4u * own;
    var sums: array<vec2<u32>, 3>;
    if own < clusters {
        let count = counts[own];
        let row = list[list_head(own)];
        let charges = list_charges(row, count.x);
        var fits = true;
        for (var start = 0u; start < count.x + count.y; start += PAIR_STRETCH) {
            var parts = Fixed64Series();
            let end_front = min(start + PAIR_STRETCH, count.x);
            for (var k = start; k < end_front; k += 4u) {
                let word = list[row + k + lane];
                fits &= pair_sums_of(first, pair_other(sorted[word & 0xfffffffu]), word >> 28u, &parts);
            }
            let end = min(start + PAIR_STRETCH, count.x + count.y);
            for (var k = max(start, count.x); k < end; k += 4u) {
                let at = k + lane;
                let slot = list[charges + (min(at, end - 1u) - count.x)];
                fits &= pair_sums_of(first, pair_other(sorted[slot]), select(0xfu, 0u, at < end), &parts);
            }
            sums[0] = fixed64_add(sums[0], fixed64_series_sum(parts.low.x, parts.middle.x, parts.high.x));
            sums[1] = fixed64_add(sums[1], fixed64_series_sum(parts.low.y, parts.middle.y, parts.high.y));
            sums[2] = fixed64_add(sums[2], fixed64_series_sum(parts.low.z, parts.middle.z, parts.high.z));
        }
        if !fits {
            atomicMax(&fault[0], 3u);
        }
    }
    for (var q = 0u; q < 3u; q++) {
        pair_tree[local] = sums[q];
        workgroupBarrier();
        for (var reach = 32u; reach > 0u; reach >>= 1u) {
            if local < reach {
                pair_tree[local] = fixed64_add(pair_tree[local], pair_tree[local + reach]);
            }
            workgroupBarrier();
        }
        if local == 0u {
            pair_sums[group.x * 3u + q] = pair_tree[0];
        }
    }
}

// Lennard-Jones energy, Coulomb energy (without charges: the energy at the cutoff) and virial r . F, kJ/mol: each pair once, each pair's numbers cut to 64-bit fixed
// point by themselves and summed over the 16 clusters of a workgroup, so that sums depend on the pairs within the cutoff alone. Needs list_rows.wgsl, fixed64.wgsl and
// pair.wgsl or pair_lennard_jones.wgsl with its files.
// `pair_sums`: for each workgroup these three. `fault` 3: a pair's energy is out of range.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> pair_sums: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

var<workgroup> pair_tree: array<vec2<u32>, 64>;

fn pair_sum(sums: ptr<function, array<vec2<u32>, 3>>, a: PairAtom, b: PairAtom, counts_: bool) {
    let one = pair_energies_of(a, b, counts_);
    if !(fixed64_fits(one.x) && fixed64_fits(one.y) && fixed64_fits(one.z)) {
        atomicMax(&fault[0], 3u);
    }
    (*sums)[0] = fixed64_add((*sums)[0], fixed64_of(one.x));
    (*sums)[1] = fixed64_add((*sums)[1], fixed64_of(one.y));
    (*sums)[2] = fixed64_add((*sums)[2], fixed64_of(one.z));
}

@compute @workgroup_size(64)
fn pair_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let own = id.x / 4u;
    let lane = id.x % 4u;
    var sums: array<vec2<u32>, 3>;
    if own < clusters {
        let count = counts[own];
        for (var m = 0u; m < 4u; m++) {
            let slot = 4u * own + m;
            let a = pair_own(sorted[slot], slot < atoms);
            for (var k = 0u; k < count.x; k += 4u) {
                let word = list[list_front(own, k + lane)];
                pair_sum(&sums, a, pair_other(sorted[word & 0xfffffffu]), ((word >> (28u + m)) & 1u) == 0u);
            }
            for (var k = lane; k < count.y; k += 4u) {
                pair_sum(&sums, a, pair_other(sorted[list[list_end(own, k)]]), true);
            }
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

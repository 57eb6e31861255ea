// Energy of a pair potential by tables of types: each pair once, in 64-bit fixed point by itself, summed over the 64 clusters of a workgroup.
// One invocation a cluster. Needs list_rows.wgsl, terms/cluster_pairs.wgsl, custom_pair.wgsl with its files, fixed64.wgsl and cluster_sum.wgsl.
// `custom_sums`: one for each workgroup. `fault` 3: a pair's energy is out of range.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> custom_kinds: array<u32>;
@group(0) @binding(4) var<storage, read> custom_table: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> custom_sums: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn custom_pair_energies(
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
            let count = select(0u, pairs.x + pairs.y, first < atoms);
            let a = sorted[first];
            for (var k = 0u; k < count; k++) {
                let partner = cluster_partner(pairs, row, m, k);
                let slot = partner & CLUSTER_SLOT;
                let pair = custom_pair(a, sorted[slot], (slot < atoms) & ((partner & CLUSTER_EXCLUDED) == 0u));
                if !fixed64_fits(pair.energy) {
                    atomicMax(&fault[0], 3u);
                }
                sum = fixed64_add(sum, fixed64_of(pair.energy));
            }
        }
    }
    let total = cluster_sum(local, sum);
    if local == 0u {
        custom_sums[group.x] = total;
    }
}

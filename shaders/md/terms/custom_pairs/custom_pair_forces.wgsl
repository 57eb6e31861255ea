// Forces of a pair potential by tables of types: each pair once, each pair's force rounded to an integer by itself. One invocation a cluster.
// Needs list_rows.wgsl, terms/cluster_pairs.wgsl, custom_pair.wgsl with its files, and slot_force_sums.wgsl.
// `sorted`: position (fixed point), kind. `fault` 6: a pair's force does not fit.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> custom_kinds: array<u32>;
@group(0) @binding(4) var<storage, read> custom_table: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> slot_force_sums: array<atomic<i32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn custom_pair_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let own = id.x;
    if own >= clusters {
        return;
    }
    let pairs = counts[own].xy;
    let row = list[list_head(own)];
    for (var m = 0u; m < 4u; m++) {
        let first = 4u * own + m;
        let count = select(0u, pairs.x + pairs.y, first < atoms);
        let a = sorted[first];
        var force = vec3<i32>();
        for (var k = 0u; k < count; k++) {
            let partner = cluster_partner(pairs, row, m, k);
            let slot = partner & CLUSTER_SLOT;
            let pair = custom_pair(a, sorted[slot], (slot < atoms) & ((partner & CLUSTER_EXCLUDED) == 0u));
            let push = force_round(pair.r * pair.push);
            force += push;
            force_add(slot, -push);
        }
        force_add(first, force);
    }
}

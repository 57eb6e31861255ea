// Generalised Born forces by way of the radii: dE/dR of each atom, through its descreening sum, to the distances from its partners. One invocation a cluster.
// Needs list_rows.wgsl, cluster_pairs.wgsl, gb.wgsl with its cell file and slot_force_sums.wgsl.
// `gb_born`: see gb_radii.wgsl. `gb_slopes`: what pairs add to dE/dR, by slot, 2^-14 kJ/mol/nm (`force_unit`).

override atoms: u32;
override clusters: u32;
override force_unit: f32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> gb_kinds: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gb_born: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> gb_slopes: array<i32>;
@group(0) @binding(6) var<storage, read_write> slot_force_sums: array<atomic<i32>>;
@group(0) @binding(7) var<storage, read_write> fault: array<atomic<u32>>;

// dE/d(sum) of an atom, kJ nm/mol.
fn gb_slope(slot: u32) -> f32 {
    let born = gb_born[slot];
    return born.y * (born.z + f32(gb_slopes[slot]) * force_unit);
}

@compute @workgroup_size(64)
fn gb_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let own = id.x;
    if own >= clusters {
        return;
    }
    let pairs = counts[own].xy;
    let row = list[list_head(own)];
    for (var m = 0u; m < 4u; m++) {
        let first = 4u * own + m;
        let count = select(0u, pairs.x + pairs.y, first < atoms);
        let a = gb_atom(sorted[first]);
        let slope_a = gb_slope(first);
        var force = vec3<i32>();
        for (var k = 0u; k < count; k++) {
            let partner = cluster_partner(pairs, row, m, k);
            let slot = partner & CLUSTER_SLOT;
            let b = gb_atom(sorted[slot]);
            let g = gb_pair(a, b);
            let pull = slope_a * gb_descreening(a.own, b.other, g.distance).y + gb_slope(slot) * gb_descreening(b.own, a.other, g.distance).y;
            let counted = g.within & (slot < atoms) & ((partner & CLUSTER_NONE) == 0u);
            let push = force_round(select(vec3<f32>(), g.r * (-pull / g.distance), counted));
            force += push;
            force_add(slot, -push);
        }
        force_add(first, force);
    }
}

// Descreening sums of Born radii: for each atom the sum of H/2 over its partners, 1/nm, each contribution rounded to an integer by itself (`gb_sum_scale`
// units for 1/nm), so that sums depend on the pairs alone. One invocation a cluster. Needs list_rows.wgsl, cluster_pairs.wgsl and gb.wgsl with its cell file.
// `gb_sums`: by slot. `fault` 8: a contribution does not fit.

override atoms: u32;
override clusters: u32;
override gb_sum_scale: f32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> gb_kinds: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> gb_sums: array<atomic<i32>>;
@group(0) @binding(5) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn gb_descreen(@builtin(global_invocation_id) id: vec3<u32>) {
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
        var sum = 0;
        for (var k = 0u; k < count; k++) {
            let partner = cluster_partner(pairs, row, m, k);
            let slot = partner & CLUSTER_SLOT;
            let b = gb_atom(sorted[slot]);
            let g = gb_pair(a, b);
            let of_a = gb_descreening(a.own, b.other, g.distance).x;
            let of_b = gb_descreening(b.own, a.other, g.distance).x;
            let counted = g.within & (slot < atoms) & ((partner & CLUSTER_NONE) == 0u);
            let units = select(vec2<f32>(), vec2<f32>(of_a, of_b) * gb_sum_scale, counted);
            if !all(abs(units) < vec2<f32>(1073741824.0)) {
                atomicMax(&fault[0], 8u);
            }
            let rounded = gb_round(units);
            sum += rounded.x;
            atomicAdd(&gb_sums[slot], rounded.y);
        }
        atomicAdd(&gb_sums[first], sum);
    }
}

// Generalised Born forces of pairs of charges at fixed radii, and what each pair adds to the slope of the energy by its atoms' radii, rounded to integers
// of 2^-14 kJ/mol/nm (`force_scale`). One invocation a cluster. Needs list_rows.wgsl, cluster_pairs.wgsl, gb.wgsl with its cell file, gb_charge.wgsl and
// slot_force_sums.wgsl.
// `gb_born`: see gb_radii.wgsl. `gb_slopes`: by slot. `fault` 6 and 8: a force or a slope does not fit.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> gb_kinds: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gb_born: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> gb_slopes: array<atomic<i32>>;
@group(0) @binding(6) var<storage, read_write> slot_force_sums: array<atomic<i32>>;
@group(0) @binding(7) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn gb_pairs(@builtin(global_invocation_id) id: vec3<u32>) {
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
        let radius_a = gb_born[first].x;
        var slope = 0;
        var force = vec3<i32>();
        for (var k = 0u; k < count; k++) {
            let partner = cluster_partner(pairs, row, m, k);
            let slot = partner & CLUSTER_SLOT;
            // Slots past the last atom have no radius: any will do.
            let present = (slot < atoms) & ((partner & CLUSTER_NONE) == 0u);
            let b = gb_atom(sorted[slot]);
            let radius_b = select(radius_a, gb_born[slot].x, present);
            let g = gb_pair(a, b);
            let charge = gb_charge(a, b, g, radius_a * radius_b);
            let counted = g.within & present;
            let slopes = vec2<f32>(radius_b, radius_a) * (charge.by_product * force_scale);
            let units = select(vec2<f32>(), slopes, counted);
            if !all(abs(units) < vec2<f32>(1073741824.0)) {
                atomicMax(&fault[0], 8u);
            }
            let rounded = gb_round(units);
            slope += rounded.x;
            atomicAdd(&gb_slopes[slot], rounded.y);
            let push = force_round(select(vec3<f32>(), g.r * charge.push, counted));
            force += push;
            force_add(slot, -push);
        }
        atomicAdd(&gb_slopes[first], slope);
        force_add(first, force);
    }
}

// Lennard-Jones and Coulomb forces: each pair once, each pair's force rounded to an integer by itself (2^-14 kJ/mol/nm, `force_scale` units for 1),
// added to one atom and taken off the other. So sums do not depend on the list, its order, or which atom computes a pair: only on the pairs within
// the cutoff. One invocation computes a cluster of four with its list (half a list: see partners.wgsl); its own atoms' sums stay in
// registers, the others' go out with atomic adds. Needs list.wgsl and pair.wgsl with its files.
// `sorted`: position (fixed point), kind. `counts`: neighbors with excluded pairs (and in the upper 6 bits those inside the cluster), others.
// `slot_force_sums`: three words a slot. `fault` 6: a pair pushes with 2^30 units or more.

override atoms: u32;
override clusters: u32;
override force_scale: f32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> pair_kinds: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> pair_table: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> slot_force_sums: array<atomic<i32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

struct PairUnits {
    force: vec3<i32>,
    // Its size in units, before rounding.
    size: f32,
}

fn pair_units(a: PairAtom, b: PairAtom, counts_: bool) -> PairUnits {
    let g = pair_geometry(a.position, b.position);
    let scale = pair_scale(g, a, b, counts_) * force_scale;
    let force = g.r * scale;
    let rounded = vec3<i32>(force + select(vec3<f32>(-0.5), vec3<f32>(0.5), force >= vec3<f32>()));
    return PairUnits(rounded, abs(scale) * (g.square * g.inverse));
}

fn pair_add(slot: u32, force: vec3<i32>) {
    atomicAdd(&slot_force_sums[3u * slot], force.x);
    atomicAdd(&slot_force_sums[3u * slot + 1u], force.y);
    atomicAdd(&slot_force_sums[3u * slot + 2u], force.z);
}

@compute @workgroup_size(64)
fn pair_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let own = id.x;
    if own >= clusters {
        return;
    }
    let first = 4u * own;
    let x0 = sorted[first];
    let x1 = sorted[first + 1u];
    let x2 = sorted[first + 2u];
    let x3 = sorted[first + 3u];
    let a0 = pair_own(x0, true);
    let a1 = pair_own(x1, first + 1u < atoms);
    let a2 = pair_own(x2, first + 2u < atoms);
    let a3 = pair_own(x3, first + 3u < atoms);
    let count = counts[own];
    let inside = count.x >> 26u;
    let b1 = pair_as_other(x1, first + 1u < atoms);
    let b2 = pair_as_other(x2, first + 2u < atoms);
    let b3 = pair_as_other(x3, first + 3u < atoms);
    let p01 = pair_units(a0, b1, (inside & 1u) == 0u);
    let p02 = pair_units(a0, b2, (inside & 2u) == 0u);
    let p03 = pair_units(a0, b3, (inside & 4u) == 0u);
    let p12 = pair_units(a1, b2, (inside & 8u) == 0u);
    let p13 = pair_units(a1, b3, (inside & 16u) == 0u);
    let p23 = pair_units(a2, b3, (inside & 32u) == 0u);
    var f0 = p01.force + p02.force + p03.force;
    var f1 = p12.force + p13.force - p01.force;
    var f2 = p23.force - p02.force - p12.force;
    var f3 = -p03.force - p13.force - p23.force;
    var size = max(max(max(p01.size, p02.size), max(p03.size, p12.size)), max(p13.size, p23.size));
    let masked = count.x & 0x3ffffffu;
    for (var k = 0u; k < masked; k++) {
        let word = list[list_near(own, k)];
        let slot = word & 0xfffffffu;
        let b = pair_other(sorted[slot]);
        let p0 = pair_units(a0, b, (word & 0x10000000u) == 0u);
        let p1 = pair_units(a1, b, (word & 0x20000000u) == 0u);
        let p2 = pair_units(a2, b, (word & 0x40000000u) == 0u);
        let p3 = pair_units(a3, b, (word & 0x80000000u) == 0u);
        f0 += p0.force;
        f1 += p1.force;
        f2 += p2.force;
        f3 += p3.force;
        size = max(size, max(max(p0.size, p1.size), max(p2.size, p3.size)));
        pair_add(slot, -(p0.force + p1.force + p2.force + p3.force));
    }
    for (var k = 0u; k < count.y; k++) {
        let slot = list[list_far(own, k)];
        let b = pair_other(sorted[slot]);
        let p0 = pair_units(a0, b, true);
        let p1 = pair_units(a1, b, true);
        let p2 = pair_units(a2, b, true);
        let p3 = pair_units(a3, b, true);
        f0 += p0.force;
        f1 += p1.force;
        f2 += p2.force;
        f3 += p3.force;
        size = max(size, max(max(p0.size, p1.size), max(p2.size, p3.size)));
        pair_add(slot, -(p0.force + p1.force + p2.force + p3.force));
    }
    pair_add(first, f0);
    pair_add(first + 1u, f1);
    pair_add(first + 2u, f2);
    pair_add(first + 3u, f3);
    if !(size < 1073741824.0) {
        atomicMax(&fault[0], 6u);
    }
}

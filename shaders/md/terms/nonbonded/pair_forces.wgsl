// Lennard-Jones and Coulomb forces, or what stands in the place of pair.wgsl: each pair once, each pair's force rounded to an integer by itself (2^-14 kJ/mol/nm, `force_scale` units for 1),
// added to one atom and taken off the other. So sums do not depend on the list, its order, or which atom computes a pair: only on the pairs within
// the cutoff. Four invocations compute a cluster of four with its list (half a list: see candidates.wgsl): each takes every fourth neighbor and computes it
// with all four atoms, whose sums stay in registers until the end. Far neighbors, beyond the cutoff when the list was built, are passed over unless one of the
// pairs at hand has come within it. Needs list_rows.wgsl and pair.wgsl or pair_lennard_jones.wgsl with its files.
// `sorted`: position (fixed point), kind. `list`, `counts`: see list_rows.wgsl. `outer_needed`: see check.wgsl.
// `slot_force_sums`: four words a slot, the last one unused. `fault` 6: a pair pushes with 2^30 units or more. No pair within the cutoff does as long as none has more than
// 2^30 over the cutoff for each nm of its distance, which is cheaper to see; where one has, sizes are looked at one by one.

override atoms: u32;
override clusters: u32;
override slots: u32;
override force_scale: f32;

struct SlotSums {
    x: atomic<i32>,
    y: atomic<i32>,
    z: atomic<i32>,
    unused: atomic<i32>,
}

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> slot_force_sums: array<SlotSums>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> outer_needed: array<u32>;

// More than a pair may push with, in units.
const PAIR_LIMIT: f32 = 1073741824.0;

struct PairUnits {
    // On the second atom.
    force: vec3<i32>,
    // Its size over the distance, units/nm.
    scale: f32,
}

// Rounded to the nearest, halves to even. What exceeds the limit, or is no number, is a fault by its size, and what becomes of it does not matter: the limit and the
// conversion keep it within integers.
fn pair_units(g: PairGeometry, scale: f32) -> PairUnits {
    return PairUnits(vec3<i32>(round(min(vec3<f32>(PAIR_LIMIT), g.r * scale))), abs(scale));
}

fn pair_whole(g: PairGeometry, a: PairAtom, b: PairAtom, counts: bool) -> PairUnits {
    return pair_units(g, pair_scale(g, a, b, counts));
}

fn pair_at(a: PairAtom, b: vec3<u32>) -> PairGeometry {
    return pair_geometry(a.position, b, cutoff2);
}

fn pair_of_charges(a: PairAtom, b: PairAtom, limit2: f32) -> PairUnits {
    let g = pair_geometry(a.position, b.position, limit2);
    return pair_units(g, pair_scale_of_charges(g, a, b));
}

// The slot that a word of the list names. A list without room may say anything.
fn pair_slot(word: u32) -> u32 {
    return min(word & 0xfffffffu, slots - 1u);
}

// Whether a pair of a neighbor with the cluster's atoms that `excluded` does not name exceeds the limit.
fn pair_exceeds(first: u32, b: PairAtom, excluded: u32) -> bool {
    var exceeds = false;
    for (var m = 0u; m < 4u; m++) {
        let a = pair_own(sorted[first + m], first + m < atoms, force_scale);
        let g = pair_geometry(a.position, b.position, cutoff2);
        let scale = pair_scale(g, a, b, ((excluded >> m) & 1u) == 0u);
        exceeds |= !(scale * scale * g.square < PAIR_LIMIT * PAIR_LIMIT);
    }
    return exceeds;
}

// The same for all neighbors of an invocation.
fn pair_any_exceeds(first: u32, row: u32, count: vec2<u32>, lane: u32) -> bool {
    var exceeds = false;
    for (var k = lane; k < count.x; k += 4u) {
        let word = list[row + k];
        exceeds |= pair_exceeds(first, pair_other(sorted[pair_slot(word)]), word >> 28u);
    }
    for (var k = lane; k < count.y; k += 4u) {
        exceeds |= pair_exceeds(first, pair_other(sorted[pair_slot(list[list_charges(row, count.x) + k])]), 0u);
    }
    return exceeds;
}

fn pair_add(slot: u32, force: vec3<i32>) {
    atomicAdd(&slot_force_sums[slot].x, force.x);
    atomicAdd(&slot_force_sums[slot].y, force.y);
    atomicAdd(&slot_force_sums[slot].z, force.z);
}

@compute @workgroup_size(64)
fn pair_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let own = id.x / 4u;
    if own >= clusters {
        return;
    }
    let lane = id.x % 4u;
    let first = 4u * own;
    let a0 = pair_own(sorted[first], true, -force_scale);
    let a1 = pair_own(sorted[first + 1u], first + 1u < atoms, -force_scale);
    let a2 = pair_own(sorted[first + 2u], first + 2u < atoms, -force_scale);
    let a3 = pair_own(sorted[first + 3u], first + 3u < atoms, -force_scale);
    let count = counts[own];
    let row = list[list_head(own)];
    var f0 = vec3<i32>();
    var f1 = vec3<i32>();
    var f2 = vec3<i32>();
    var f3 = vec3<i32>();
    var scale = 0.0;
    let near = count.z;
    // As long as no atom is far from where the list takes it to be, its outer neighbors are beyond the cutoff.
    let far_end = select(count.x, count.w, outer_needed[0] == 0u);
    // The next neighbor is fetched while this one is computed; after the last one, that one again.
    let end = max(list_filled(count.x), 4u) - 4u;
    var next = list[row + lane];
    var next_atom = sorted[pair_slot(next)];
    for (var k = 0u; k < near; k += 4u) {
        let word = next;
        let b = pair_other(next_atom);
        next = list[row + min(k + 4u, end) + lane];
        next_atom = sorted[pair_slot(next)];
        let slot = pair_slot(word);
        let p0 = pair_whole(pair_at(a0, b.position), a0, b, (word & 0x10000000u) == 0u);
        let p1 = pair_whole(pair_at(a1, b.position), a1, b, (word & 0x20000000u) == 0u);
        let p2 = pair_whole(pair_at(a2, b.position), a2, b, (word & 0x40000000u) == 0u);
        let p3 = pair_whole(pair_at(a3, b.position), a3, b, (word & 0x80000000u) == 0u);
        f0 -= p0.force;
        f1 -= p1.force;
        f2 -= p2.force;
        f3 -= p3.force;
        scale = max(scale, max(max(p0.scale, p1.scale), max(p2.scale, p3.scale)));
        pair_add(slot, p0.force + p1.force + p2.force + p3.force);
    }
    // Those that fill up the last four near ones are done, and the next neighbor is the first far one.
    for (var k = list_filled(near); k < far_end; k += 4u) {
        let word = next;
        let atom = next_atom;
        next = list[row + min(k + 4u, end) + lane];
        next_atom = sorted[pair_slot(next)];
        let slot = pair_slot(word);
        let g0 = pair_at(a0, atom.xyz);
        let g1 = pair_at(a1, atom.xyz);
        let g2 = pair_at(a2, atom.xyz);
        let g3 = pair_at(a3, atom.xyz);
        if g0.within | g1.within | g2.within | g3.within {
            let b = pair_other(atom);
            let p0 = pair_whole(g0, a0, b, (word & 0x10000000u) == 0u);
            let p1 = pair_whole(g1, a1, b, (word & 0x20000000u) == 0u);
            let p2 = pair_whole(g2, a2, b, (word & 0x40000000u) == 0u);
            let p3 = pair_whole(g3, a3, b, (word & 0x80000000u) == 0u);
            f0 -= p0.force;
            f1 -= p1.force;
            f2 -= p2.force;
            f3 -= p3.force;
            scale = max(scale, max(max(p0.scale, p1.scale), max(p2.scale, p3.scale)));
            pair_add(slot, p0.force + p1.force + p2.force + p3.force);
        }
    }
    // Fetched ahead likewise.
    let charges = list_charges(row, count.x);
    let last = max(list_filled(count.y), 4u) - 4u;
    var next_slot = pair_slot(list[select(row, charges, count.y > 0u) + lane]);
    next_atom = sorted[next_slot];
    for (var k = 0u; k < count.y; k += 4u) {
        let slot = next_slot;
        let b = pair_other(next_atom);
        next_slot = min(list[charges + min(k + 4u, last) + lane], slots - 1u);
        next_atom = sorted[next_slot];
        let limit2 = select(0.0, cutoff2, k + lane < count.y);
        let p0 = pair_of_charges(a0, b, limit2);
        let p1 = pair_of_charges(a1, b, limit2);
        let p2 = pair_of_charges(a2, b, limit2);
        let p3 = pair_of_charges(a3, b, limit2);
        f0 -= p0.force;
        f1 -= p1.force;
        f2 -= p2.force;
        f3 -= p3.force;
        scale = max(scale, max(max(p0.scale, p1.scale), max(p2.scale, p3.scale)));
        pair_add(slot, p0.force + p1.force + p2.force + p3.force);
    }
    pair_add(first, f0);
    pair_add(first + 1u, f1);
    pair_add(first + 2u, f2);
    pair_add(first + 3u, f3);
    // A hair less than the limit, so that rounding cannot lose one.
    if !(scale * scale * cutoff2 < 0.999 * PAIR_LIMIT * PAIR_LIMIT) {
        if pair_any_exceeds(first, row, count.xy, lane) {
            atomicMax(&fault[0], 6u);
        }
    }
}

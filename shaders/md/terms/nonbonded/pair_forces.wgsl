// Lennard-Jones and Coulomb forces, or what stands in the place of pair.wgsl: each pair once, each pair's force rounded to an integer by itself (2^-14 kJ/mol/nm, `force_scale` units for 1),
// added to one atom and taken off the other. So sums do not depend on the list, its order, or which atom computes a pair: only on the pairs within
// the cutoff. Four invocations compute a cluster of four with its list (half a list: see partners.wgsl): each takes every fourth neighbor and computes it
// with all four atoms, whose sums stay in registers until the end. Far neighbors, beyond the cutoff when the list was built, are passed over unless one of the
// pairs at hand has come within it. Needs list_rows.wgsl and pair.wgsl or pair_lennard_jones.wgsl with its files.
// `sorted`: position (fixed point), kind. `counts`: words from the list's front, with Lennard-Jones and masks, and from its
// end, with charges alone; then of those from the front the near ones, and all but the outer ones. `outer`: see check.wgsl.
// `slot_force_sums`: four words a slot, the last one unused. `fault` 6: a pair pushes with 2^30 units or more.

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
@group(0) @binding(7) var<storage, read> outer: array<u32>;

// More than a pair may push with, in units.
const PAIR_LIMIT: f32 = 1073741824.0;

struct PairUnits {
    // On the second atom.
    force: vec3<i32>,
    // The square of its size in units, before rounding.
    size2: f32,
}

// Rounded to the nearest, halves to even. What exceeds the limit, or is no number, is a fault by its size, and what becomes of it does not matter: the limit and the
// conversion keep it within integers.
fn pair_units(g: PairGeometry, scale: f32) -> PairUnits {
    let scaled = scale * -force_scale;
    let force = g.r * scaled;
    return PairUnits(vec3<i32>(round(min(vec3<f32>(PAIR_LIMIT), force))), scaled * scaled * g.square);
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
    let a0 = pair_own(sorted[first], true);
    let a1 = pair_own(sorted[first + 1u], first + 1u < atoms);
    let a2 = pair_own(sorted[first + 2u], first + 2u < atoms);
    let a3 = pair_own(sorted[first + 3u], first + 3u < atoms);
    let count = counts[own];
    var f0 = vec3<i32>();
    var f1 = vec3<i32>();
    var f2 = vec3<i32>();
    var f3 = vec3<i32>();
    var size2 = 0.0;
    let near = count.z;
    // As long as no atom is far from where the list takes it to be, its outer neighbors are beyond the cutoff.
    let far_end = select(count.x, count.w, outer[0] == 0u);
    // The next neighbor is fetched while this one is computed; after the last one, that one again.
    let end = max((count.x + 3u) & ~3u, 4u) - 4u;
    var next = list[list_front(own, lane)];
    var next_atom = sorted[pair_slot(next)];
    for (var k = 0u; k < near; k += 4u) {
        let word = next;
        let b = pair_other(next_atom);
        next = list[list_front(own, min(k + 4u, end) + lane)];
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
        size2 = max(size2, max(max(p0.size2, p1.size2), max(p2.size2, p3.size2)));
        pair_add(slot, p0.force + p1.force + p2.force + p3.force);
    }
    // Those that fill up the last four near ones are done, and the next neighbor is the first far one.
    for (var k = (near + 3u) & ~3u; k < far_end; k += 4u) {
        let word = next;
        let atom = next_atom;
        next = list[list_front(own, min(k + 4u, end) + lane)];
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
            size2 = max(size2, max(max(p0.size2, p1.size2), max(p2.size2, p3.size2)));
            pair_add(slot, p0.force + p1.force + p2.force + p3.force);
        }
    }
    // In the order of memory, fetched ahead likewise.
    let back = 3u - lane;
    let last = max((count.y + 3u) & ~3u, 4u) - 4u;
    var next_slot = pair_slot(list[select(list_front(own, lane), list_end(own, back), count.y > 0u)]);
    next_atom = sorted[next_slot];
    for (var k = 0u; k < count.y; k += 4u) {
        let at = k + back;
        let slot = next_slot;
        let b = pair_other(next_atom);
        next_slot = min(list[list_end(own, min(k + 4u, last) + back)], slots - 1u);
        next_atom = sorted[next_slot];
        let limit2 = select(0.0, cutoff2, at < count.y);
        let p0 = pair_of_charges(a0, b, limit2);
        let p1 = pair_of_charges(a1, b, limit2);
        let p2 = pair_of_charges(a2, b, limit2);
        let p3 = pair_of_charges(a3, b, limit2);
        f0 -= p0.force;
        f1 -= p1.force;
        f2 -= p2.force;
        f3 -= p3.force;
        size2 = max(size2, max(max(p0.size2, p1.size2), max(p2.size2, p3.size2)));
        pair_add(slot, p0.force + p1.force + p2.force + p3.force);
    }
    pair_add(first, f0);
    pair_add(first + 1u, f1);
    pair_add(first + 2u, f2);
    pair_add(first + 3u, f3);
    if !(size2 < PAIR_LIMIT * PAIR_LIMIT) {
        atomicMax(&fault[0], 6u);
    }
}

// The pairs of a cluster's atoms one after the other: for each of its four atoms the words of the cluster's row in the list, so that each pair of atoms comes
// once over all clusters. For terms that are no part of pair_forces.wgsl. Needs list_rows.wgsl.
// Bindings: `list`, `counts`: see half_neighbors.wgsl; a row begins with the cluster's own atoms, each of which counts with those before it.

// A partner's slot.
const CLUSTER_SLOT: u32 = 0x0fffffffu;
// The pair is excluded, or none.
const CLUSTER_EXCLUDED: u32 = 0x80000000u;
// It is none: an atom with itself, or a pair inside the cluster the other way round.
const CLUSTER_NONE: u32 = 0x40000000u;

// Partner k of atom m of the cluster with this row, k below the sum of its two counts, which are `count`: the slot, with CLUSTER_EXCLUDED and CLUSTER_NONE.
fn cluster_partner(count: vec2<u32>, row: u32, m: u32, k: u32) -> u32 {
    if k >= count.x {
        return list[list_charges(row, count.x) + (k - count.x)];
    }
    let word = list[row + k];
    let none = select(0u, CLUSTER_NONE, (k < 4u) & (k <= m));
    return (word & CLUSTER_SLOT) | ((word >> (28u + m)) << 31u) | none;
}

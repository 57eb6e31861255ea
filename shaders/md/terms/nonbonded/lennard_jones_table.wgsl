// Lennard-Jones coefficients by the two atoms' kinds: 12 c12 and 6 c6 over the 14th and the 8th power of the unit of length, kJ/mol/nm^2.
// `pair_kinds`: each kind's row of the table. `pair_table`: coefficients of two rows. `pair_rows`: rows.

override pair_rows: u32;

@group(0) @binding(3) var<storage, read> pair_kinds: array<u32>;
@group(0) @binding(4) var<storage, read> pair_table: array<vec2<f32>>;

struct PairAtom {
    position: vec3<u32>,
    // The first of a pair: where its row begins in the table. The second: its column.
    row: u32,
    units: f32,
}

// The first of a pair, whose forces and energies are `units` times as large.
fn pair_own(atom: vec4<u32>, present: bool, units: f32) -> PairAtom {
    return PairAtom(atom.xyz, pair_kinds[atom.w] * pair_rows, units);
}

fn pair_other(atom: vec4<u32>) -> PairAtom {
    return PairAtom(atom.xyz, pair_kinds[atom.w], 1.0);
}

fn lj_coefficients(a: PairAtom, b: PairAtom) -> vec2<f32> {
    return pair_table[a.row + b.row];
}

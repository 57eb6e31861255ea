// One pair of atoms: Lennard-Jones and Coulomb within the cutoff.
//   F = (-du/dr) r / |r|, u = S(r) (c12 / r^12 - c6 / r^6) + coulomb(r); S is 1 or a switching function.
// Everything is a function of the two positions and kinds alone, and odd under their exchange, so that it shows nowhere which atom computes the pair.
// Needs a cell file (`cell_nm`), a Coulomb file (`coulomb_force`, `coulomb_energy`) and a switch file (`switch_force`, `switch_energy`).
// Where no atom has a charge pair_lennard_jones.wgsl stands in its place.
// `pair_kinds`: by kind, the bits of its charge times sqrt(1 / (4 pi eps0)), (kJ nm/mol)^1/2, and its row of the table. `pair_table`: 12 c12 and 6 c6 of two
// rows, kJ/mol nm^12 and nm^6. `pair_rows`: rows.

override pair_rows: u32;
override cutoff2: f32;

@group(0) @binding(3) var<storage, read> pair_kinds: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> pair_table: array<vec2<f32>>;

// Squares of distances are taken to be at least this, nm^2, so that every power stays finite; interacting atoms this near are a fault.
const PAIR_NEAREST: f32 = 1e-4;

struct PairAtom {
    position: vec3<u32>,
    charge: f32,
    // The first of a pair: where its row begins in the table. The second: its column.
    row: u32,
}

struct PairGeometry {
    // From b to a, nm.
    r: vec3<f32>,
    // Square of the distance, nm^2, kept within what the formulas are good for.
    square: f32,
    // 1 / distance.
    inverse: f32,
    within: bool,
}

// Slots past the last atom have no charge, and the list says of neighbors with Lennard-Jones that they do not count.
fn pair_own(atom: vec4<u32>, present: bool) -> PairAtom {
    let kind = pair_kinds[atom.w];
    return PairAtom(atom.xyz, select(0.0, bitcast<f32>(kind.x), present), kind.y * pair_rows);
}

fn pair_other(atom: vec4<u32>) -> PairAtom {
    let kind = pair_kinds[atom.w];
    return PairAtom(atom.xyz, bitcast<f32>(kind.x), kind.y);
}

// `limit2`: the square of the cutoff, or 0 for a pair that does not count.
fn pair_geometry(a: vec3<u32>, b: vec3<u32>, limit2: f32) -> PairGeometry {
    let r = cell_nm(a - b);
    let exact = r.x * r.x + r.y * r.y + r.z * r.z;
    let square = min(max(exact, PAIR_NEAREST), cutoff2);
    return PairGeometry(r, square, 1.0 / sqrt(square), exact < limit2);
}

fn pair_inverse(g: PairGeometry) -> f32 {
    return g.inverse;
}

// Force over distance, kJ/mol/nm^2: 0 where the pair does not count.
fn pair_scale(g: PairGeometry, a: PairAtom, b: PairAtom, counts: bool) -> f32 {
    let c = pair_table[a.row + b.row];
    let i2 = g.inverse * g.inverse;
    let i6 = i2 * i2 * i2;
    let lj = switch_force(g, (c.x * i6 - c.y) * (i6 * i2), (c.x * (1.0 / 12.0) * i6 - c.y * (1.0 / 6.0)) * i6);
    let scale = lj + coulomb_force(g, a.charge * b.charge);
    return select(0.0, scale, g.within & counts);
}

// The same for a second atom without Lennard-Jones.
fn pair_scale_of_charges(g: PairGeometry, a: PairAtom, b: PairAtom) -> f32 {
    return select(0.0, coulomb_force(g, a.charge * b.charge), g.within);
}

// Lennard-Jones and Coulomb energy, and r . F, kJ/mol, of a pair that counts.
fn pair_energies_of(g: PairGeometry, a: PairAtom, b: PairAtom) -> vec3<f32> {
    let c = pair_table[a.row + b.row];
    let i2 = g.inverse * g.inverse;
    let i6 = i2 * i2 * i2;
    let lj = switch_energy(g, (c.x * (1.0 / 12.0) * i6 - c.y * (1.0 / 6.0)) * i6);
    return vec3<f32>(lj, coulomb_energy(g, a.charge * b.charge), pair_scale(g, a, b, true) * g.square);
}

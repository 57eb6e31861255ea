// One pair of atoms of a system without charges: Lennard-Jones within the cutoff, in the place of pair.wgsl.
//   F = (-du/dr) r / |r|, u = S(r) (c12 / r^12 - c6 / r^6); S is 1 or a switching function.
// Everything is a function of the two positions and kinds alone, and odd under their exchange. Needs a cell file (`cell_nm`), a switch file and
// lennard_jones_one.wgsl or lennard_jones_table.wgsl.
// Powers of r are those of r over the unit of length, whose square is `lj_unit2`, nm^2: the cutoff is 1 to 2 of it, so that they stay within f32's range whatever
// the units that a system is in. `lj_nearest2`: squares of distances are taken to be at least this, nm^2; interacting atoms this near are a fault.

override cutoff2: f32;
override lj_unit2: f32;
override lj_nearest2: f32;

struct PairGeometry {
    // From b to a, nm.
    r: vec3<f32>,
    // Square of the distance, nm^2, kept within what the formulas are good for.
    square: f32,
    // 1 / distance^2, in the unit of length.
    i2: f32,
    within: bool,
}

// `limit2`: the square of the cutoff, or 0 for a pair that does not count.
fn pair_geometry(a: vec3<u32>, b: vec3<u32>, limit2: f32) -> PairGeometry {
    let r = cell_nm(a - b);
    let exact = r.x * r.x + r.y * r.y + r.z * r.z;
    let square = min(max(exact, lj_nearest2), cutoff2);
    return PairGeometry(r, square, lj_unit2 * (1.0 / square), exact < limit2);
}

fn pair_inverse(g: PairGeometry) -> f32 {
    return 1.0 / sqrt(g.square);
}

// Lennard-Jones without switch, kJ/mol. `c`: see lennard_jones_one.wgsl.
fn lj_energy(c: vec2<f32>, i6: f32) -> f32 {
    return (c.x * (lj_unit2 / 12.0) * i6 - c.y * (lj_unit2 / 6.0)) * i6;
}

// Force over distance, kJ/mol/nm^2 times the units: 0 where the pair does not count.
fn pair_scale(g: PairGeometry, a: PairAtom, b: PairAtom, counts: bool) -> f32 {
    let c = lj_coefficients(a, b);
    let i6 = g.i2 * g.i2 * g.i2;
    let scale = switch_force(g, (c.x * i6 - c.y) * (i6 * g.i2), lj_energy(c, i6));
    return a.units * select(0.0, scale, g.within & counts);
}

// The same for a second atom without Lennard-Jones: nothing acts.
fn pair_scale_of_charges(g: PairGeometry, a: PairAtom, b: PairAtom) -> f32 {
    return 0.0;
}

// Energy, the energy at the cutoff, where it jumps, and r . F, kJ/mol, of a pair that counts.
fn pair_energies_of(g: PairGeometry, a: PairAtom, b: PairAtom) -> vec3<f32> {
    let c = lj_coefficients(a, b);
    let end = lj_unit2 * (1.0 / cutoff2);
    let at_cutoff = switch_jump(lj_energy(c, end * end * end));
    let energy = switch_energy(g, lj_energy(c, g.i2 * g.i2 * g.i2));
    return vec3<f32>(energy, at_cutoff, pair_scale(g, a, b, true) * g.square);
}

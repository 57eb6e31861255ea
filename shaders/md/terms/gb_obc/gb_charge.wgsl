// Generalised Born energy of a pair of charges (Still et al., J. Am. Chem. Soc. 112, 6127, 1990):
//   u = c q_a q_b / f, f^2 = r^2 + R_a R_b exp(-r^2 / (4 R_a R_b)), c = -k_e (1/eps_in - 1/eps_out) (`gb_charges`).
// Needs gb.wgsl.

override gb_charges: f32;

struct GbCharge {
    // u, kJ/mol.
    energy: f32,
    // -(du/dr) / r at fixed radii, kJ/mol/nm^2.
    push: f32,
    // du / d(R_a R_b), kJ/mol/nm^2.
    by_product: f32,
}

fn gb_charge(a: GbAtom, b: GbAtom, g: GbPair, product: f32) -> GbCharge {
    // Beyond 40, exp is nothing beside r^2.
    let ratio = min(0.25 * g.square / product, 40.0);
    let exponential = exp(-ratio);
    let f2 = g.square + product * exponential;
    let energy = gb_charges * a.charge * b.charge / sqrt(f2);
    let slope = energy / f2;
    return GbCharge(energy, slope * (1.0 - 0.25 * exponential), -0.5 * slope * exponential * (1.0 + ratio));
}

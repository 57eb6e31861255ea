// Coulomb with a reaction field: u = k q q (1/r + krf r^2 - crf). Plain Coulomb with krf = crf = 0. `field_k`: krf, nm^-3. `field_c`: crf, 1/nm.

override field_k: f32;
override field_c: f32;

fn coulomb_force(g: PairGeometry, qq: f32) -> f32 {
    return qq * (g.inverse * g.inverse * g.inverse - 2.0 * field_k);
}

fn coulomb_energy(g: PairGeometry, qq: f32) -> f32 {
    return qq * (g.inverse + (field_k * g.square - field_c));
}

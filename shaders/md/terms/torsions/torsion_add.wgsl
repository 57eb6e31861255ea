// Adds the forces of a torsion, rounded so that they sum to exactly zero. `slope`: dE/dphi, kJ/mol/rad. Bindings: none of its own.
// Needs torsion.wgsl, force_round.wgsl and force_sums.wgsl.

fn torsion_add(atoms: vec4<u32>, torsion: Torsion, slope: f32) {
    let first = torsion.first * slope;
    let last = torsion.last * slope;
    let f0 = force_round(first);
    let f3 = force_round(last);
    let f1 = force_round(first * torsion.shares.x - last * torsion.shares.y - first);
    force_add(atoms.x, f0);
    force_add(atoms.y, f1);
    force_add(atoms.z, -(f0 + f1 + f3));
    force_add(atoms.w, f3);
}

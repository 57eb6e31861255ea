// A single pair of atoms at any distance: E = q / r + a / r^12 - b / r^6. Bindings: none. Needs cell.wgsl.

struct PairBond {
    // From atom 0 to atom 1, nm.
    r: vec3<f32>,
    energy: f32,
    // Force on atom 1 over r, kJ/mol/nm^2.
    push: f32,
}

// `parameters`: q, kJ nm/mol; a, kJ/mol nm^12; b, kJ/mol nm^6; 0. Atoms at one place: not a number, which is a fault.
fn pair_bond_of(difference: vec3<u32>, parameters: vec4<f32>) -> PairBond {
    let r = cell_nm(difference);
    let i2 = 1.0 / (r.x * r.x + r.y * r.y + r.z * r.z);
    let i6 = i2 * i2 * i2;
    let coulomb = parameters.x * sqrt(i2);
    let repulsion = (parameters.y * i6) * i6;
    let attraction = parameters.z * i6;
    return PairBond(r, coulomb + (repulsion - attraction), i2 * (coulomb + (12.0 * repulsion - 6.0 * attraction)));
}

// Ryckaert-Bellemans torsions, E = sum_i C_i cos^i psi for i = 0 to 5 with psi = phi - 180 degrees. Needs torsion.wgsl, and a binding
// `torsion_parameters: array<vec4<f32>>`, two a torsion: C_0 to C_5, kJ/mol, 0, 0.

fn torsion_value(index: u32, cosine: f32, sine: f32) -> TorsionValue {
    let low = torsion_parameters[2u * index];
    let high = torsion_parameters[2u * index + 1u];
    let c = -cosine;
    let energy = low.x + c * (low.y + c * (low.z + c * (low.w + c * (high.x + c * high.y))));
    let by_cosine = low.y + c * (2.0 * low.z + c * (3.0 * low.w + c * (4.0 * high.x + c * (5.0 * high.y))));
    // dE/dphi = -sin psi dE/dcos psi, and sin psi = -sin phi.
    return TorsionValue(energy, sine * by_cosine);
}

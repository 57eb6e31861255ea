// Harmonic impropers, E = k (phi - phi0)^2 with the difference wrapped to half a turn either way: atan2 of its sine and cosine. Needs
// torsion.wgsl, arc.wgsl, and a binding `torsion_parameters: array<vec4<f32>>`: k, kJ/mol/rad^2; cosine and sine of phi0; 0.

fn torsion_value(index: u32, cosine: f32, sine: f32) -> TorsionValue {
    let parameters = torsion_parameters[index];
    let off = arc_of(sine * parameters.y - cosine * parameters.z, cosine * parameters.y + sine * parameters.z);
    return TorsionValue(parameters.x * (off * off), 2.0 * parameters.x * off);
}

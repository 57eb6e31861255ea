// A pair that is left out of the sum over neighbors: an exception (its own charge product and Lennard-Jones parameters, no cutoff) or an exclusion
// (both 0), with what the reciprocal sum counts for it taken back:
//   E = C / r + 4 eps ((sigma / r)^12 - (sigma / r)^6) - Q erf(alpha r) / r.
// The Ewald part is smooth: with z = alpha^2 r^2 its energy is -Q alpha e(z), e = erf(sqrt z) / sqrt z, and its force -Q alpha^3 g(z) r, with
// g = erf(sqrt z) / z^1.5 - 2 exp(-z) / (sqrt(pi) z): Chebyshev series in 2 z / 16 - 1 (Clenshaw's sum); beyond z = 16, erf is 1.
// Needs cell.wgsl, and bindings `exception_parameters: array<vec4<f32>>` (C, kJ nm/mol; sigma, nm; 4 eps, kJ/mol; Q, kJ nm/mol) and
// `ewald_series: array<vec2<f32>>` (coefficients of g and e). Without PME Q is 0.

override ewald_alpha: f32;
override ewald_terms: u32;

struct Exception {
    // From atom 0 to atom 1, nm.
    r: vec3<f32>,
    energy: f32,
    // Force on atom 1 over r, kJ/mol/nm^2.
    push: f32,
}

// (g, e) of z.
fn exception_series(z: f32) -> vec2<f32> {
    let t = 0.125 * z - 1.0;
    var b1 = vec2<f32>();
    var b2 = vec2<f32>();
    for (var k = 1u; k < ewald_terms; k++) {
        let b = ewald_series[ewald_terms - k] + (2.0 * t * b1 - b2);
        b2 = b1;
        b1 = b;
    }
    return ewald_series[0] + (t * b1 - b2);
}

fn exception_of(difference: vec3<u32>, index: u32) -> Exception {
    let parameters = exception_parameters[index];
    let r = cell_nm(difference);
    let r2 = r.x * r.x + r.y * r.y + r.z * r.z;
    // Excluded atoms may lie at one place.
    let i2 = select(0.0, 1.0, r2 > 0.0) / max(r2, 1e-24);
    let i1 = sqrt(i2);
    let s2 = parameters.y * parameters.y * i2;
    let s6 = s2 * s2 * s2;
    let coulomb = parameters.x * i1;
    let energy = coulomb + parameters.z * (s6 * s6 - s6);
    let push = i2 * (coulomb + parameters.z * (12.0 * s6 * s6 - 6.0 * s6));
    let z = ewald_alpha * ewald_alpha * r2;
    var far = parameters.w * vec2<f32>(i1 * i2, i1);
    if z < 16.0 {
        far = parameters.w * ewald_alpha * vec2<f32>(ewald_alpha * ewald_alpha, 1.0) * exception_series(z);
    }
    return Exception(r, energy - far.y, push - far.x);
}

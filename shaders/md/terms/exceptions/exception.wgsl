// A pair that is left out of the sum over neighbors: an exception (its own charge product and Lennard-Jones parameters, no cutoff) or an exclusion
// (both 0), with what the reciprocal sum counts for it taken back:
//   E = C / r + 4 eps ((sigma / r)^12 - (sigma / r)^6) - Q erf(alpha r) / r.
// The Ewald part is smooth: with z = alpha^2 r^2 its energy is -Q alpha e(z), e = erf(sqrt z) / sqrt z, and its force -Q alpha^3 g(z) r, with
// g = erf(sqrt z) / z^1.5 - 2 exp(-z) / (sqrt(pi) z): Chebyshev series (Clenshaw's sum), a short one up to z = 2 and another up to 16; beyond, erf is 1.
// Needs cell.wgsl, and bindings `exception_parameters: array<vec4<f32>>` (C, kJ nm/mol; sigma, nm; 4 eps, kJ/mol; Q, kJ nm/mol) and
// `ewald_series: array<f32>` (coefficients of g: `ewald_terms_near`, then `ewald_terms_far`; then of e likewise). Without PME Q is 0.

override ewald_alpha: f32;
override ewald_terms_near: u32;
override ewald_terms_far: u32;

struct Exception {
    // C, sigma, 4 epsilon, Q.
    parameters: vec4<f32>,
    // 1 / r^2 and 1 / r.
    i2: f32,
    i1: f32,
    // (sigma / r)^6.
    s6: f32,
    z: f32,
}

// The series whose coefficients begin at `first`.
fn exception_sum(first: u32, terms: u32, t: f32) -> f32 {
    var b1 = 0.0;
    var b2 = 0.0;
    for (var k = 1u; k < terms; k++) {
        let b = ewald_series[first + (terms - k)] + (2.0 * t * b1 - b2);
        b2 = b1;
        b1 = b;
    }
    return ewald_series[first] + (t * b1 - b2);
}

// g or e of z up to 16, by where its coefficients begin.
fn exception_series(first: u32, z: f32) -> f32 {
    var sum = 0.0;
    if z < 2.0 {
        sum = exception_sum(first, ewald_terms_near, z - 1.0);
    } else {
        sum = exception_sum(first + ewald_terms_near, ewald_terms_far, z * 0.14285715 - 1.2857143);
    }
    return sum;
}

fn exception_at(r: vec3<f32>, index: u32) -> Exception {
    let parameters = exception_parameters[index];
    let r2 = r.x * r.x + r.y * r.y + r.z * r.z;
    // Excluded atoms may lie at one place.
    let i2 = select(0.0, 1.0, r2 > 0.0) / max(r2, 1e-24);
    let s2 = parameters.y * parameters.y * i2;
    return Exception(parameters, i2, sqrt(i2), s2 * s2 * s2, ewald_alpha * ewald_alpha * r2);
}

// Force on the second atom over r, kJ/mol/nm^2.
fn exception_push(one: Exception) -> f32 {
    let parameters = one.parameters;
    var far = parameters.w * (one.i1 * one.i2);
    if one.z < 16.0 {
        far = parameters.w * ewald_alpha * (ewald_alpha * ewald_alpha) * exception_series(0u, one.z);
    }
    return one.i2 * (parameters.x * one.i1 + parameters.z * (12.0 * one.s6 * one.s6 - 6.0 * one.s6)) - far;
}

// kJ/mol.
fn exception_energy(one: Exception) -> f32 {
    let parameters = one.parameters;
    var far = parameters.w * one.i1;
    if one.z < 16.0 {
        far = parameters.w * ewald_alpha * exception_series(ewald_terms_near + ewald_terms_far, one.z);
    }
    return parameters.x * one.i1 + parameters.z * (one.s6 * one.s6 - one.s6) - far;
}

// The direct part of Ewald's sum: u = k q q erfc(alpha r) / r. What is taken off 1/r and 1/r^3, alpha h(z) and alpha^3 g(z) with z = (alpha r)^2,
//   h = erf(sqrt z) / sqrt z, g = erf(sqrt z) / z^1.5 - 2 exp(-z) / (sqrt(pi) z),
// is smooth, and a polynomial in t = 2 z / z_max - 1 (fitted in double precision on the host, kernels/src/md/terms/nonbonded/ewald.rs). Even and odd powers apart: two chains,
// and no power of t that could underflow. `ewald_t`: t for each nm^2, plus 1.

override ewald_t: f32;
override ewald_force_0: f32;
override ewald_force_1: f32;
override ewald_force_2: f32;
override ewald_force_3: f32;
override ewald_force_4: f32;
override ewald_force_5: f32;
override ewald_force_6: f32;
override ewald_force_7: f32;
override ewald_force_8: f32;
override ewald_force_9: f32;
override ewald_force_10: f32;
override ewald_force_11: f32;
override ewald_force_12: f32;
override ewald_force_13: f32;
// Whether the last coefficients are needed.
override ewald_force_has_12: bool;
override ewald_force_has_13: bool;
override ewald_energy_0: f32;
override ewald_energy_1: f32;
override ewald_energy_2: f32;
override ewald_energy_3: f32;
override ewald_energy_4: f32;
override ewald_energy_5: f32;
override ewald_energy_6: f32;
override ewald_energy_7: f32;
override ewald_energy_8: f32;
override ewald_energy_9: f32;
override ewald_energy_10: f32;
override ewald_energy_11: f32;
override ewald_energy_12: f32;
override ewald_energy_13: f32;
override ewald_energy_has_12: bool;
override ewald_energy_has_13: bool;

fn coulomb_force(g: PairGeometry, qq: f32) -> f32 {
    let t = g.square * ewald_t - 1.0;
    let t2 = t * t;
    let last_even = select(ewald_force_10, ewald_force_12 * t2 + ewald_force_10, ewald_force_has_12);
    let even = ((((last_even * t2 + ewald_force_8) * t2 + ewald_force_6) * t2 + ewald_force_4) * t2 + ewald_force_2) * t2 + ewald_force_0;
    let last_odd = select(ewald_force_11, ewald_force_13 * t2 + ewald_force_11, ewald_force_has_13);
    let odd = ((((last_odd * t2 + ewald_force_9) * t2 + ewald_force_7) * t2 + ewald_force_5) * t2 + ewald_force_3) * t2 + ewald_force_1;
    return qq * (g.inverse * g.inverse * g.inverse - (odd * t + even));
}

fn coulomb_energy(g: PairGeometry, qq: f32) -> f32 {
    let t = g.square * ewald_t - 1.0;
    let t2 = t * t;
    let last_even = select(ewald_energy_10, ewald_energy_12 * t2 + ewald_energy_10, ewald_energy_has_12);
    let even = ((((last_even * t2 + ewald_energy_8) * t2 + ewald_energy_6) * t2 + ewald_energy_4) * t2 + ewald_energy_2) * t2 + ewald_energy_0;
    let last_odd = select(ewald_energy_11, ewald_energy_13 * t2 + ewald_energy_11, ewald_energy_has_13);
    let odd = ((((last_odd * t2 + ewald_energy_9) * t2 + ewald_energy_7) * t2 + ewald_energy_5) * t2 + ewald_energy_3) * t2 + ewald_energy_1;
    return qq * (g.inverse - (odd * t + even));
}

// OpenMM's switching function for Lennard-Jones: S = 1 - 10 x^3 + 15 x^4 - 6 x^5 with x = (r - r_s) / (r_c - r_s) from r_s on, so that
// F = S F_lj - u dS/dr, dS/dr = -30 x^2 (1 - x)^2 / (r_c - r_s). `switch_start`: r_s, nm. `switch_inverse`: 1 / (r_c - r_s), 1/nm.

override switch_start: f32;
override switch_inverse: f32;

fn switch_place(g: PairGeometry) -> f32 {
    return clamp((g.square * pair_inverse(g) - switch_start) * switch_inverse, 0.0, 1.0);
}

fn switch_value(x: f32) -> f32 {
    return 1.0 + x * x * x * (x * (15.0 - 6.0 * x) - 10.0);
}

fn switch_force(g: PairGeometry, scale: f32, energy: f32) -> f32 {
    let x = switch_place(g);
    let left = x * (1.0 - x);
    return switch_value(x) * scale + energy * pair_inverse(g) * (30.0 * switch_inverse * (left * left));
}

// What is left of an energy at the cutoff.
fn switch_jump(energy: f32) -> f32 {
    return 0.0;
}

fn switch_energy(g: PairGeometry, energy: f32) -> f32 {
    return switch_value(switch_place(g)) * energy;
}

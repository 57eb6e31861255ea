// No switching function: Lennard-Jones is cut off at the cutoff.

fn switch_force(g: PairGeometry, scale: f32, energy: f32) -> f32 {
    return scale;
}

// What is left of an energy at the cutoff.
fn switch_jump(energy: f32) -> f32 {
    return energy;
}

fn switch_energy(g: PairGeometry, energy: f32) -> f32 {
    return energy;
}

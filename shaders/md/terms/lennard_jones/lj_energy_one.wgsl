// Lennard-Jones coefficients of a system with one type of atom: (4 eps sigma^6, 4 eps sigma^12, energy at the cutoff).

override energy_c6: f32;
override energy_c12: f32;
override energy_cutoff: f32;

fn lj_energy(type_a: u32, type_b: u32) -> vec3<f32> {
    return vec3<f32>(energy_c6, energy_c12, energy_cutoff);
}

// Lennard-Jones coefficients of a system with one type of atom: (24 eps sigma^6, 48 eps sigma^12).

override force_c6: f32;
override force_c12: f32;

fn lj_force(type_a: u32, type_b: u32) -> vec2<f32> {
    return vec2<f32>(force_c6, force_c12);
}

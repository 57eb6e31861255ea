// A harmonic bond, E = k (r - r0)^2 / 2, with r - r0 = (r^2 - r0^2) / (r + r0) and r^2 - r0^2 taken from the integers: r itself would lose in f32 what
// the bond's force is made of. Bindings: none. Needs cell.wgsl and exact.wgsl.
// A bond's parameters: k, kJ/mol/nm^2; r0, nm; r0^2 as a pair (high + low), nm^2.

struct Bond {
    // From atom 0 to atom 1, nm.
    r: vec3<f32>,
    length: f32,
    // r - r0, nm.
    stretch: f32,
}

fn bond_of(difference: vec3<u32>, parameters: vec4<f32>) -> Bond {
    let r = cell_nm(difference);
    let length = sqrt(r.x * r.x + r.y * r.y + r.z * r.z);
    // Both atoms at one place, and a bond of length 0: no stretch.
    let reach = max(length + parameters.y, 1e-12);
    return Bond(r, length, exact_square_less(difference, parameters.zw) / reach);
}

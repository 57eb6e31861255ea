// Lennard-Jones coefficients of a system whose atoms are all alike: 12 c12 and 6 c6 over the 14th and the 8th power of the unit of length, kJ/mol/nm^2.

override lj_12: f32;
override lj_6: f32;

struct PairAtom {
    position: vec3<u32>,
    units: f32,
}

// The first of a pair, whose forces and energies are `units` times as large.
fn pair_own(atom: vec4<u32>, present: bool, units: f32) -> PairAtom {
    return PairAtom(atom.xyz, units);
}

fn pair_other(atom: vec4<u32>) -> PairAtom {
    return PairAtom(atom.xyz, 1.0);
}

fn lj_coefficients(a: PairAtom, b: PairAtom) -> vec2<f32> {
    return vec2<f32>(lj_12, lj_6);
}

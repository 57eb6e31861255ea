// A pair potential by tables of types: u = S(r) (a f12(r) - b f6(r) - c / r^4) within the cutoff, S being 1 or a switching function.
// Twin: kernels/src/md/terms/custom_pairs/twin.rs. Needs a cell file (`cell_nm`), a file of powers (`custom_powers`) and a switch file of
// terms/nonbonded (`switch_force`, `switch_energy`).
// `custom_kinds`: by kind, its row of the table. `custom_table`: a, b, c, 0 of two rows, kJ/mol times nm^12, nm^6, nm^4. `custom_rows`: rows.

override custom_rows: u32;
override custom_cutoff2: f32;

// Squares of distances are taken to be at least this, nm^2, so that every power stays finite; interacting atoms this near are a fault.
const CUSTOM_NEAREST: f32 = 1e-4;

// What switch files read of a pair.
struct PairGeometry {
    // From b to a, nm.
    r: vec3<f32>,
    // Square of the distance, nm^2, kept within what the formulas are good for.
    square: f32,
    // 1 / distance.
    inverse: f32,
    within: bool,
}

fn pair_inverse(g: PairGeometry) -> f32 {
    return g.inverse;
}

// f12 and f6, each with minus its slope over the distance.
struct CustomPowers {
    f12: f32,
    push12: f32,
    f6: f32,
    push6: f32,
}

// Energy, kJ/mol, and force over distance, kJ/mol/nm^2: 0 where the pair does not count.
struct CustomPair {
    r: vec3<f32>,
    energy: f32,
    push: f32,
}

fn custom_pair(a: vec4<u32>, b: vec4<u32>, counts_: bool) -> CustomPair {
    let r = cell_nm(a.xyz - b.xyz);
    let exact = r.x * r.x + r.y * r.y + r.z * r.z;
    let square = min(max(exact, CUSTOM_NEAREST), custom_cutoff2);
    let g = PairGeometry(r, square, 1.0 / sqrt(square), exact < custom_cutoff2);
    let c = custom_table[custom_kinds[a.w] * custom_rows + custom_kinds[b.w]];
    let f = custom_powers(g);
    let i2 = g.inverse * g.inverse;
    let i4 = i2 * i2;
    let energy = c.x * f.f12 - c.y * f.f6 - c.z * i4;
    let push = c.x * f.push12 - c.y * f.push6 - 4.0 * c.z * i4 * i2;
    let switched = vec2<f32>(switch_energy(g, energy), switch_force(g, push, energy));
    let kept = select(vec2<f32>(), switched, g.within & counts_);
    return CustomPair(r, kept.x, kept.y);
}

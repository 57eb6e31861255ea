// One pair of atoms: Lennard-Jones and Coulomb within the cutoff.
//   F = (-du/dr) r / |r|, u = S(r) 4 eps ((sigma / r)^12 - (sigma / r)^6) + coulomb(r); S is 1 or a switching function, sigma and eps are mixed by Lorentz and
// Berthelot: half the sum of two sigmas, the root of the product of two epsilons.
// Everything is a function of the two positions and kinds alone, and odd under their exchange, so that it shows nowhere which atom computes the pair.
// Needs a cell file (`cell_nm`), a Coulomb file (`coulomb_force`, `coulomb_energy`) and a switch file (`switch_force`, `switch_energy`).
// Where no atom has a charge pair_lennard_jones.wgsl stands in its place.
// `pair_kinds`: by kind, its charge times sqrt(1 / (4 pi eps0)), (kJ nm/mol)^1/2, half its sigma, nm, and twice the root of its epsilon, (kJ/mol)^1/2; the last
// word is unused.

override cutoff2: f32;

@group(0) @binding(3) var<storage, read> pair_kinds: array<vec4<f32>>;

// Squares of distances are taken to be at least this, nm^2, so that every power stays finite; interacting atoms this near are a fault.
const PAIR_NEAREST: f32 = 1e-4;
// Sigma over distance is taken to be at least this, so that no power of it underflows; what pairs so far apart do is nothing either way.
const PAIR_FARTHEST: f32 = 0.001953125;

struct PairAtom {
    position: vec3<u32>,
    charge: f32,
    // Half of sigma, nm.
    size: f32,
    // Twice the root of epsilon.
    depth: f32,
}

struct PairGeometry {
    // From b to a, nm.
    r: vec3<f32>,
    // Square of the distance, nm^2, kept within what the formulas are good for.
    square: f32,
    // 1 / distance.
    inverse: f32,
    within: bool,
}

// The first of a pair, whose forces and energies are `units` times as large. Slots past the last atom have no charge, and the list says of neighbors with
// Lennard-Jones that they do not count.
fn pair_own(atom: vec4<u32>, present: bool, units: f32) -> PairAtom {
    let kind = pair_kinds[atom.w];
    return PairAtom(atom.xyz, select(0.0, units * kind.x, present), kind.y, units * kind.z);
}

fn pair_other(atom: vec4<u32>) -> PairAtom {
    let kind = pair_kinds[atom.w];
    return PairAtom(atom.xyz, kind.x, kind.y, kind.z);
}

// `limit2`: the square of the cutoff, or 0 for a pair that does not count.
fn pair_geometry(a: vec3<u32>, b: vec3<u32>, limit2: f32) -> PairGeometry {
    let r = cell_nm(a - b);
    let exact = r.x * r.x + r.y * r.y + r.z * r.z;
    let square = min(max(exact, PAIR_NEAREST), cutoff2);
    return PairGeometry(r, square, 1.0 / sqrt(square), exact < limit2);
}

fn pair_inverse(g: PairGeometry) -> f32 {
    return g.inverse;
}

// The sixth power of sigma over distance.
fn pair_power(g: PairGeometry, a: PairAtom, b: PairAtom) -> f32 {
    let ratio = max((a.size + b.size) * g.inverse, PAIR_FARTHEST);
    let ratio2 = ratio * ratio;
    return ratio2 * ratio2 * ratio2;
}

// Force over distance, kJ/mol/nm^2 times the units: 0 where the pair does not count.
fn pair_scale(g: PairGeometry, a: PairAtom, b: PairAtom, counts: bool) -> f32 {
    let power = pair_power(g, a, b);
    let slope = a.depth * b.depth * power;
    let lj = switch_force(g, slope * (12.0 * power - 6.0) * (g.inverse * g.inverse), slope * (power - 1.0));
    let scale = lj + coulomb_force(g, a.charge * b.charge);
    return select(0.0, scale, g.within & counts);
}

// The same for a second atom without Lennard-Jones.
fn pair_scale_of_charges(g: PairGeometry, a: PairAtom, b: PairAtom) -> f32 {
    return select(0.0, coulomb_force(g, a.charge * b.charge), g.within);
}

// Lennard-Jones and Coulomb energy, and r . F, kJ/mol, of a pair that counts.
fn pair_energies_of(g: PairGeometry, a: PairAtom, b: PairAtom) -> vec3<f32> {
    let power = pair_power(g, a, b);
    let lj = switch_energy(g, a.depth * b.depth * power * (power - 1.0));
    return vec3<f32>(lj, coulomb_energy(g, a.charge * b.charge), pair_scale(g, a, b, true) * g.square);
}

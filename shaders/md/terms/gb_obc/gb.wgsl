// Generalised Born implicit solvent, OBC II: one atom, one pair of atoms, and how much one atom takes from the surroundings of the other.
// Born radii: Onufriev, Bashford and Case, Proteins 55, 383 (2004); descreening: Hawkins, Cramer and Truhlar, J. Phys. Chem. 100, 19824 (1996). All pairs
// within the cutoff count, excluded ones too. Twin: kernels/src/md/terms/gb_obc/twin.rs. Needs a cell file (`cell_nm`).
// Bindings: `gb_kinds`: by kind charge (e), radius less 0.009 nm (`own`), that times its scale (`other`), radius, nm.

// Square of the cutoff, nm^2; without one, that of the list's.
override gb_cutoff2: f32;

// Squares of distances are taken to be at least this, nm^2; interacting atoms this near are a fault of other terms.
const GB_NEAREST: f32 = 1e-6;

struct GbAtom {
    position: vec3<u32>,
    charge: f32,
    own: f32,
    other: f32,
    radius: f32,
}

struct GbPair {
    // From b to a, nm.
    r: vec3<f32>,
    square: f32,
    distance: f32,
    within: bool,
}

fn gb_atom(atom: vec4<u32>) -> GbAtom {
    let kind = gb_kinds[atom.w];
    return GbAtom(atom.xyz, kind.x, kind.y, kind.z, kind.w);
}

fn gb_pair(a: GbAtom, b: GbAtom) -> GbPair {
    let r = cell_nm(a.position - b.position);
    let exact = r.x * r.x + r.y * r.y + r.z * r.z;
    let square = max(exact, GB_NEAREST);
    return GbPair(r, square, sqrt(square), exact < gb_cutoff2);
}

// ln x for positive x, in + - * alone: WGSL leaves a driver's own an absolute error of 2^-21 near 1, where what descreens from afar lies. Reduction and
// polynomial: shaders/strict/log.wgsl.
fn gb_logarithm(x: f32) -> f32 {
    // x = (1 + f) 2^e, 1 + f from sqrt(1/2) to sqrt(2).
    let bits = bitcast<i32>(x);
    let e = (bits - 0x3f3504f3) >> 23u;
    let f = bitcast<f32>(bits - (e << 23u)) - 1.0;
    let z = f * f;
    let low = (((7.0376837e-2 * f - 1.151461e-1) * f + 1.1676999e-1) * f - 1.2420141e-1) * f + 1.4249323e-1;
    let p = (((low * f - 1.6668058e-1) * f + 2.0000715e-1) * f - 2.4999994e-1) * f + 3.333333e-1;
    let exponent = f32(e);
    // ln 2 in two parts; the exponent times the first is exact.
    let tail = (p * (z * f) - exponent * 2.1219444e-4) - 0.5 * z;
    return (f + tail) + exponent * 0.693359375;
}

// H/2 of an atom of radius `own` by one of scaled radius `other` at a distance, 1/nm, and its slope by the distance, 1/nm^2:
//   H = 1/L - 1/U + (r - s^2/r) (1/U^2 - 1/L^2) / 4 + ln(L/U) / (2r) + 2 (1/own - 1/L) where own < s - r,
//   L = max(own, |r - s|), U = r + s, s = `other`; 0 where the other atom is inside this one (own >= U).
fn gb_descreening(own: f32, other: f32, distance: f32) -> vec2<f32> {
    let reach = distance + other;
    let lower = 1.0 / max(own, abs(distance - other));
    let upper = 1.0 / reach;
    let inverse = 1.0 / distance;
    let squares = (upper - lower) * (upper + lower);
    let logarithm = gb_logarithm(upper / lower) * inverse;
    let ratio = other * inverse;
    var h = lower - upper + 0.25 * (distance - other * ratio) * squares + 0.5 * logarithm;
    if own < other - distance {
        h += 2.0 * (1.0 / own - lower);
    }
    let slope = 0.25 * (1.0 + ratio * ratio) * squares - 0.5 * logarithm * inverse;
    return select(vec2<f32>(0.5 * h, 0.5 * slope), vec2<f32>(), own >= reach);
}

// x in units, rounded to nearest.
fn gb_round(x: vec2<f32>) -> vec2<i32> {
    return vec2<i32>(x + select(vec2<f32>(-0.5), vec2<f32>(0.5), x >= vec2<f32>()));
}

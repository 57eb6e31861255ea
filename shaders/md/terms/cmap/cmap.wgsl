// The correction map of a pair of torsions (CMAP; MacKerell, Feig and Brooks, J. Comput. Chem. 25, 1400, 2004): a periodic bicubic spline
// E(phi, psi) of n x n patches, E = sum c_ij a^i b^j within a patch, a and b from 0 to 1. Bindings: `cmap_patches: array<vec4<f32>>`: four vectors
// c_i0 to c_i3 a patch, kJ/mol, patch `first + s + n t` for the s-th interval of phi and the t-th of psi; `positions: array<vec4<u32>>`. Needs torsion.wgsl and arc.wgsl.

struct CmapValue {
    energy: f32,
    // dE/dphi and dE/dpsi, kJ/mol/rad.
    slopes: vec2<f32>,
}

fn cmap_torsion(atoms: vec4<u32>) -> Torsion {
    return torsion_of(positions[atoms.x].xyz, positions[atoms.y].xyz, positions[atoms.z].xyz, positions[atoms.w].xyz);
}

// An angle from 0 to 2 pi as intervals: which, and how far in it.
fn cmap_place(torsion: Torsion, n: u32) -> vec2<f32> {
    let angle = arc_of(torsion.sine, torsion.cosine) * 0.15915494 * f32(i32(n));
    let turned = select(angle, angle + f32(i32(n)), angle < 0.0);
    let whole = min(f32(i32(turned)), f32(i32(n) - 1));
    return vec2<f32>(whole, turned - whole);
}

// `shape`: first patch of the map, n.
fn cmap_of(phi: Torsion, psi: Torsion, shape: vec2<u32>) -> CmapValue {
    let n = shape.y;
    let x = cmap_place(phi, n);
    let y = cmap_place(psi, n);
    let place = 4u * (shape.x + u32(i32(x.x)) + n * u32(i32(y.x)));
    let a = x.y;
    let b = y.y;
    let c0 = cmap_patches[place];
    let c1 = cmap_patches[place + 1u];
    let c2 = cmap_patches[place + 2u];
    let c3 = cmap_patches[place + 3u];
    // Polynomials of b for each power of b, summed over powers of a; and their derivative by a.
    let by_b = c0 + a * (c1 + a * (c2 + a * c3));
    let slope_a = c1 + a * (2.0 * c2 + a * (3.0 * c3));
    let energy = by_b.x + b * (by_b.y + b * (by_b.z + b * by_b.w));
    let slope_phi = slope_a.x + b * (slope_a.y + b * (slope_a.z + b * slope_a.w));
    let slope_psi = by_b.y + b * (2.0 * by_b.z + b * (3.0 * by_b.w));
    return CmapValue(energy, vec2<f32>(slope_phi, slope_psi) * (0.15915494 * f32(i32(n))));
}

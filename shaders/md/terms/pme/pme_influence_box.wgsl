// The influence function of the Ewald sum (pme_influence.wgsl) in a rectangular box: m^2 is a sum, and the exponential a product, over the three axes.
// Products below 4e-18, about exp(-40), are 0. Needs fft.wgsl.
// `pme_axes`: for each frequency of x, then y, then z, exp(-pi^2 m^2 / alpha^2) / B, or 0 below exp(-28), and m^2, nm^-2. `pme_strength`: k_e / (pi V), kJ/mol/e^2/nm^2.

override pme_ny: u32;
override pme_strength: f32;

@group(0) @binding(2) var<storage, read> pme_axes: array<vec2<f32>>;

// Frequencies along y and z that a line along x has, with what they contribute.
struct PmeLine {
    // exp(-pi^2 m^2 / alpha^2) / B, and m^2.
    y: vec2<f32>,
    z: vec2<f32>,
}

fn pme_line(ky: u32, kz: u32) -> PmeLine {
    return PmeLine(pme_axes[fft_size + ky], pme_axes[fft_size + pme_ny + kz]);
}

fn pme_influence(line: PmeLine, kx: u32) -> f32 {
    let x = pme_axes[kx];
    let product = x.x * line.y.x * line.z.x;
    let m2 = x.y + line.y.y + line.z.y;
    return select(0.0, pme_strength * product / max(m2, 1e-20), (product > 4e-18) & (m2 > 0.0));
}

// The influence function of the Ewald sum (pme_influence.wgsl) in a rectangular box: m^2 is a sum, and the exponential a product, over the three axes.
// Products below 4e-18, about exp(-40), are 0. Needs fft.wgsl.
// `pme_axes`: for each frequency of x, then y, then z, exp(-pi^2 m^2 / alpha^2) / B, or 0 below exp(-28), and m^2, nm^-2. `pme_strength`: k_e / (pi V), kJ/mol/e^2/nm^2.

override pme_ny: u32;
override pme_strength: f32;

@group(0) @binding(2) var<storage, read> pme_axes: array<vec2<f32>>;

fn pme_influence(kx: u32, ky: u32, kz: u32) -> f32 {
    let x = pme_axes[kx];
    let y = pme_axes[fft_size + ky];
    let z = pme_axes[fft_size + pme_ny + kz];
    let product = x.x * y.x * z.x;
    let m2 = x.y + y.y + z.y;
    return select(0.0, pme_strength * product / max(m2, 1e-20), (product > 4e-18) & (m2 > 0.0));
}

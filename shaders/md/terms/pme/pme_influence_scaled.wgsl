// As pme_influence.wgsl, in a box whose size is part of the state, with edges `box_scale[0]` times those of the reference box: m and V are those of the box as it
// is, `pme_strength` is k_e / (pi V) of the reference box. Needs cell_scaled.wgsl and fft.wgsl.

override pme_ny: u32;
override pme_nz: u32;
override pme_strength: f32;
override pme_decay: f32;

@group(0) @binding(2) var<storage, read> pme_moduli: array<f32>;

fn pme_influence_frequency(k: u32, n: u32) -> f32 {
    return f32(i32(k)) - select(0.0, f32(i32(n)), k >= (n + 1u) / 2u);
}

// Frequencies along y and z that a line along x has, with what they contribute.
struct PmeLine {
    fy: f32,
    fz: f32,
    modulus: f32,
}

fn pme_line(ky: u32, kz: u32) -> PmeLine {
    let one = 2.3283064e-10;
    let modulus = pme_moduli[fft_size + ky] * pme_moduli[fft_size + pme_ny + kz];
    return PmeLine(pme_influence_frequency(ky, pme_ny) * one, pme_influence_frequency(kz, pme_nz) * one, modulus);
}

fn pme_influence(line: PmeLine, kx: u32) -> f32 {
    let one = 2.3283064e-10;
    let fx = pme_influence_frequency(kx, fft_size) * one;
    let fy = line.fy;
    let fz = line.fz;
    let m = vec3<f32>(fx * units_xx, fx * units_xy + fy * units_yy, fx * units_xz + (fy * units_yz + fz * units_zz));
    let s = box_scale[0];
    let m2 = dot(m, m) / (s * s);
    let exponent = pme_decay * m2;
    if m2 == 0.0 || exponent > 40.0 {
        return 0.0;
    }
    let moduli = pme_moduli[kx] * line.modulus;
    return pme_strength * exp(-exponent) * moduli / (m2 * (s * s * s));
}

// As pme_convolve.wgsl, in a box whose size is part of the state, with edges `box_scale[0]` times those of the reference box: m and V are those of the box as it is.
// Transforms along x, multiplies by the influence function of the Ewald sum, and transforms back, in place:
//   k_e exp(-pi^2 m^2 / alpha^2) / (pi V m^2 B_x B_y B_z), m = the reciprocal vector of (kx, ky, kz), frequencies above N / 2 negative,
// without m = 0 (Essmann et al. 1995, eq. 4.7 and 4.8). Terms below exp(-40) of the largest are 0. Needs cell_scaled.wgsl and fft.wgsl.
// `pme_waves`: real parts [nx, ny, columns], then imaginary parts; see pme_transform_y.wgsl. `pme_moduli`: 1 / B of x, then y, then z.
// `pme_strength`: k_e / (pi V) of the reference box, kJ/mol/e^2/nm^2.
// `pme_decay`: pi^2 / alpha^2, nm^2.

override pme_ny: u32;
override pme_nz: u32;
override pme_columns: u32;
override pme_waves_half: u32;
override pme_strength: f32;
override pme_decay: f32;

@group(0) @binding(0) var<storage, read> fft_plan: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> pme_moduli: array<f32>;
@group(0) @binding(3) var<storage, read_write> pme_waves: array<f32>;

fn pme_convolve_frequency(k: u32, n: u32) -> f32 {
    return f32(i32(k)) - select(0.0, f32(i32(n)), k >= (n + 1u) / 2u);
}

fn pme_convolve_influence(kx: u32, ky: u32, kz: u32) -> f32 {
    let one = 2.3283064e-10;
    let fx = pme_convolve_frequency(kx, fft_size) * one;
    let fy = pme_convolve_frequency(ky, pme_ny) * one;
    let fz = pme_convolve_frequency(kz, pme_nz) * one;
    let m = vec3<f32>(fx * units_xx, fx * units_xy + fy * units_yy, fx * units_xz + (fy * units_yz + fz * units_zz));
    let s = box_scale[0];
    let m2 = dot(m, m) / (s * s);
    let exponent = pme_decay * m2;
    if m2 == 0.0 || exponent > 40.0 {
        return 0.0;
    }
    let moduli = pme_moduli[kx] * pme_moduli[fft_size + ky] * pme_moduli[fft_size + pme_ny + kz];
    return pme_strength * exp(-exponent) * moduli / (m2 * (s * s * s));
}

// Too small to matter, and small enough that what follows could underflow.
fn pme_convolve_significant(x: vec2<f32>) -> vec2<f32> {
    return select(vec2<f32>(), x, abs(x) > vec2<f32>(1e-25));
}

@compute @workgroup_size(64)
fn pme_convolve_scaled(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    // The workgroup's lines lie side by side along z.
    let groups = pme_columns >> fft_lines_log;
    let ky = group.x / groups;
    let kz = ((group.x - ky * groups) << fft_lines_log) + line;
    let first = ky * pme_columns + kz;
    let plane = pme_ny * pme_columns;
    for (var kx = fft_first(local); kx < fft_size; kx += fft_step()) {
        let at = first + kx * plane;
        fft_real[(kx << fft_lines_log) + line] = pme_waves[at];
        fft_imaginary[(kx << fft_lines_log) + line] = pme_waves[pme_waves_half + at];
    }
    let middle = fft_transform(local, 0u, 1.0);
    for (var kx = fft_first(local); kx < fft_size; kx += fft_step()) {
        let at = middle + (kx << fft_lines_log) + line;
        let influence = pme_convolve_influence(kx, ky, kz);
        let wave = pme_convolve_significant(vec2<f32>(fft_real[at], fft_imaginary[at]) * influence);
        fft_real[at] = wave.x;
        fft_imaginary[at] = wave.y;
    }
    let result = fft_transform(local, middle, -1.0) + line;
    for (var kx = fft_first(local); kx < fft_size; kx += fft_step()) {
        let at = first + kx * plane;
        pme_waves[at] = fft_real[result + (kx << fft_lines_log)];
        pme_waves[pme_waves_half + at] = fft_imaginary[result + (kx << fft_lines_log)];
    }
}

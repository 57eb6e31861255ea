// Transforms along x, multiplies by the influence function of the Ewald sum (`pme_influence`), and transforms back, in place.
// Needs fft_factors.wgsl, fft.wgsl, and one of pme_influence.wgsl, pme_influence_box.wgsl and pme_influence_scaled.wgsl.
// `pme_waves`: real parts [nx, ny, columns] and more rows, then imaginary parts; see pme_transform_y.wgsl, where it says what is left out.

override pme_columns: u32;
override pme_waves_y_up: u32;
override pme_waves_y_left_out: u32;
override pme_waves_half: u32;

@group(0) @binding(1) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_waves: array<f32>;

// Too small to matter, and small enough that what follows could underflow.
fn pme_convolve_significant(x: vec2<f32>) -> vec2<f32> {
    return select(vec2<f32>(), x, abs(x) > vec2<f32>(1e-25));
}

@compute @workgroup_size(64)
fn pme_convolve(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    // The workgroup's lines lie side by side along z.
    let groups = pme_columns >> fft_lines_log;
    let kept = group.x / groups;
    let ky = kept + select(0u, pme_waves_y_left_out, kept >= pme_waves_y_up);
    let kz = ((group.x - kept * groups) << fft_lines_log) + line;
    let first = ky * pme_columns + kz;
    let plane = pme_ny * pme_columns;
    for (var kx = fft_first(local); kx < fft_size; kx += fft_step()) {
        let at = first + kx * plane;
        fft_put(kx, line, vec2<f32>(pme_waves[at], pme_waves[pme_waves_half + at]));
    }
    let middle = fft_transform(local, 0u);
    let along_x = pme_line(ky, kz);
    for (var kx = fft_first(local); kx < fft_size; kx += fft_step()) {
        let influence = pme_influence(along_x, kx);
        let wave = pme_convolve_significant(fft_get(middle + kx, line) * influence);
        // The way back: real and imaginary parts change places.
        fft_put(middle + kx, line, wave.yx);
    }
    let result = fft_transform(local, middle);
    for (var kx = fft_first(local); kx < fft_size; kx += fft_step()) {
        let at = first + kx * plane;
        let wave = fft_get(result + kx, line);
        pme_waves[at] = wave.y;
        pme_waves[pme_waves_half + at] = wave.x;
    }
}

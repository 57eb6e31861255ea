// The potential on the grid: transforms back along z, two rows A and B at once as A + i B, whose results are real: the real part is a's row, the
// imaginary part b's. Frequencies above N / 2 are conjugates. Needs fft.wgsl.
// `pme_waves`: real parts [nx ny, columns], then imaginary parts; see pme_transform_y.wgsl. `pme_potential`: [nx ny, nz], kJ/mol/e.

override pme_rows: u32;
override pme_columns: u32;
override pme_waves_half: u32;

@group(0) @binding(0) var<storage, read> pme_waves: array<f32>;
@group(0) @binding(1) var<storage, read> fft_plan: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_potential: array<f32>;

// 0 past the last row.
fn pme_inverse_z_wave(row: u32, k: u32) -> vec2<f32> {
    let at = min(row, pme_rows - 1u) * pme_columns + k;
    return select(vec2<f32>(), vec2<f32>(pme_waves[at], pme_waves[pme_waves_half + at]), row < pme_rows);
}

@compute @workgroup_size(64)
fn pme_inverse_z(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    let row = 2u * ((group.x << fft_lines_log) + line);
    for (var k = fft_first(local); k < fft_size / 2u + 1u; k += fft_step()) {
        let a = pme_inverse_z_wave(row, k);
        let b = pme_inverse_z_wave(row + 1u, k);
        fft_real[(k << fft_lines_log) + line] = a.x - b.y;
        fft_imaginary[(k << fft_lines_log) + line] = a.y + b.x;
        // The conjugates' place; for k = 0 it is past the last element, and the middle one is its own.
        let mirrored = fft_size - k;
        if (k > 0u) & (mirrored > k) {
            fft_real[(mirrored << fft_lines_log) + line] = a.x + b.y;
            fft_imaginary[(mirrored << fft_lines_log) + line] = b.x - a.y;
        }
    }
    let result = fft_transform(local, 0u, -1.0) + line;
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let at = row * fft_size + element;
        if row < pme_rows {
            pme_potential[at] = fft_real[result + (element << fft_lines_log)];
        }
        if row + 1u < pme_rows {
            pme_potential[at + fft_size] = fft_imaginary[result + (element << fft_lines_log)];
        }
    }
}

// The potential on the grid: transforms back along z, two rows A and B at once as A + i B, whose results are real: the real part is a's row, the
// imaginary part b's. Frequencies above N / 2 are conjugates. Real and imaginary parts change places on the way. Needs fft_factors.wgsl and fft.wgsl.
// `pme_waves`: real parts [rows, columns], then imaginary parts; see pme_forward_z.wgsl. `pme_potential`: [rows, nz], kJ/mol/e. `pme_rows`: nx ny of them.

override pme_rows: u32;
override pme_columns: u32;
override pme_waves_half: u32;
override pme_points: u32;

@group(0) @binding(0) var<storage, read> pme_waves: array<f32>;
@group(0) @binding(2) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_potential: array<f32>;

// 0 past the last row, where a transform's noise may lie.
fn pme_inverse_z_wave(row: u32, k: u32) -> vec2<f32> {
    let at = row * pme_columns + k;
    return select(vec2<f32>(), vec2<f32>(pme_waves[at], pme_waves[pme_waves_half + at]), row < pme_rows);
}

@compute @workgroup_size(64)
fn pme_inverse_z(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    let row = 2u * ((group.x << fft_lines_log) + line);
    for (var k = fft_first(local); k < fft_size / 2u + 1u; k += fft_step()) {
        let a = pme_inverse_z_wave(row, k);
        let b = pme_inverse_z_wave(row + 1u, k);
        fft_put(k, line, vec2<f32>(a.y + b.x, a.x - b.y));
        // The conjugates' place; for k = 0 it is past the last element, and the middle one is its own.
        let mirrored = fft_size - k;
        if (k > 0u) & (mirrored > k) {
            fft_put(mirrored, line, vec2<f32>(b.x - a.y, a.x + b.y));
        }
    }
    let result = fft_transform(local, 0u);
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let at = row * fft_size + element;
        let potential = fft_get(result + element, line);
        pme_potential[min(at, pme_points - 1u)] = potential.y;
        pme_potential[min(at + fft_size, pme_points - 1u)] = potential.x;
    }
}

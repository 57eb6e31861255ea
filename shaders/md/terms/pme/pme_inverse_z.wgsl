// The potential on the grid: transforms back along z, two rows A and B at once as A + i B, whose results are real: the real part is a's row, the
// imaginary part b's. Frequencies above N / 2 are conjugates. Needs fft.wgsl.
// `pme_waves`: [nx ny, nz / 2 + 1]. `pme_potential`: [nx ny, nz], kJ/mol/e.

override pme_rows: u32;

@group(0) @binding(0) var<storage, read> pme_waves: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read> fft_plan: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_potential: array<f32>;

fn pme_inverse_z_wave(row: u32, k: u32) -> vec2<f32> {
    if row >= pme_rows {
        return vec2<f32>();
    }
    let half = fft_size / 2u + 1u;
    if k < half {
        return pme_waves[row * half + k];
    }
    let wave = pme_waves[row * half + (fft_size - k)];
    return vec2<f32>(wave.x, -wave.y);
}

@compute @workgroup_size(64)
fn pme_inverse_z(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let lines = 1u << fft_lines_log;
    for (var at = local; at < (fft_size << fft_lines_log); at += FFT_INVOCATIONS) {
        let k = at >> fft_lines_log;
        let row = 2u * ((group.x << fft_lines_log) + (at & (lines - 1u)));
        let a = pme_inverse_z_wave(row, k);
        let b = pme_inverse_z_wave(row + 1u, k);
        fft_memory[at] = vec2<f32>(a.x - b.y, a.y + b.x);
    }
    let result = fft_transform(local, 0u, -1.0);
    for (var at = local; at < (fft_size << fft_lines_log); at += FFT_INVOCATIONS) {
        let element = at >> fft_lines_log;
        let row = 2u * ((group.x << fft_lines_log) + (at & (lines - 1u)));
        let value = fft_memory[result + at];
        if row < pme_rows {
            pme_potential[row * fft_size + element] = value.x;
        }
        if row + 1u < pme_rows {
            pme_potential[(row + 1u) * fft_size + element] = value.y;
        }
    }
}

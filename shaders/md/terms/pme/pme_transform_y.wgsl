// Transforms along y in place, forwards (`fft_sign` 1) or backwards (-1). Needs fft.wgsl.
// `pme_waves`: [nx, ny, half], half = nz / 2 + 1.

override pme_nx: u32;
override pme_half: u32;
override fft_sign: f32;

@group(0) @binding(0) var<storage, read> fft_plan: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> pme_waves: array<vec2<f32>>;

// Where a line's first element lies.
fn pme_transform_y_first(line: u32) -> u32 {
    let x = line / pme_half;
    return x * fft_size * pme_half + (line - x * pme_half);
}

@compute @workgroup_size(64)
fn pme_transform_y(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let lines = 1u << fft_lines_log;
    for (var at = local; at < (fft_size << fft_lines_log); at += FFT_INVOCATIONS) {
        let line = (group.x << fft_lines_log) + (at & (lines - 1u));
        if line < pme_nx * pme_half {
            fft_memory[at] = pme_waves[pme_transform_y_first(line) + (at >> fft_lines_log) * pme_half];
        }
    }
    let result = fft_transform(local, 0u, fft_sign);
    for (var at = local; at < (fft_size << fft_lines_log); at += FFT_INVOCATIONS) {
        let line = (group.x << fft_lines_log) + (at & (lines - 1u));
        if line < pme_nx * pme_half {
            pme_waves[pme_transform_y_first(line) + (at >> fft_lines_log) * pme_half] = fft_memory[result + at];
        }
    }
}

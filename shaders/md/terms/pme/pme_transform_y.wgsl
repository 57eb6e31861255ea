// Transforms along y in place, forwards (`fft_sign` 1) or backwards (-1). Needs fft.wgsl.
// `pme_waves`: real parts [nx, ny, columns], then imaginary parts; columns: nz / 2 + 1 frequencies along z, filled up to a multiple of the lines of a workgroup.

override pme_columns: u32;
override pme_waves_half: u32;
override fft_sign: f32;

@group(0) @binding(0) var<storage, read> fft_plan: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> pme_waves: array<f32>;

@compute @workgroup_size(64)
fn pme_transform_y(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    // The workgroup's lines lie side by side in one plane.
    let groups = pme_columns >> fft_lines_log;
    let plane = group.x / groups;
    let first = plane * fft_size * pme_columns + ((group.x - plane * groups) << fft_lines_log) + line;
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let at = first + element * pme_columns;
        fft_real[(element << fft_lines_log) + line] = pme_waves[at];
        fft_imaginary[(element << fft_lines_log) + line] = pme_waves[pme_waves_half + at];
    }
    let result = fft_transform(local, 0u, fft_sign) + line;
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let at = first + element * pme_columns;
        pme_waves[at] = fft_real[result + (element << fft_lines_log)];
        pme_waves[pme_waves_half + at] = fft_imaginary[result + (element << fft_lines_log)];
    }
}

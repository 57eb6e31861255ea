// Transforms along y in place, forwards or (`fft_backwards`) back: then real and imaginary parts change places. Needs fft_factors.wgsl and fft.wgsl.
// `pme_waves`: real parts [nx, ny, columns] and more rows, then imaginary parts; columns: nz / 2 + 1 frequencies along z, filled up to a multiple of the lines of a workgroup.

override pme_columns: u32;
override pme_waves_half: u32;
override fft_backwards: bool;

@group(0) @binding(1) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> pme_waves: array<f32>;

@compute @workgroup_size(64)
fn pme_transform_y(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    // The workgroup's lines lie side by side in one plane.
    let groups = pme_columns >> fft_lines_log;
    let plane = group.x / groups;
    let first = plane * fft_size * pme_columns + ((group.x - plane * groups) << fft_lines_log) + line;
    let real = select(0u, pme_waves_half, fft_backwards);
    let imaginary = pme_waves_half - real;
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let at = first + element * pme_columns;
        fft_put(element, line, vec2<f32>(pme_waves[real + at], pme_waves[imaginary + at]));
    }
    let result = fft_transform(local, 0u);
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let at = first + element * pme_columns;
        let wave = fft_get(result + element, line);
        pme_waves[real + at] = wave.x;
        pme_waves[imaginary + at] = wave.y;
    }
}

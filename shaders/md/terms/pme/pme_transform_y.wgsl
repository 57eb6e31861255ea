// Transforms along y in place, forwards or (`fft_backwards`) back: then real and imaginary parts change places. Needs fft_factors.wgsl and fft.wgsl.
// `pme_waves`: real parts [nx, ny, columns] and more rows, then imaginary parts; columns: frequencies along z that are kept, filled up to a multiple of the lines of a workgroup.
// Behind the first `pme_waves_y_up` frequencies along y the next `pme_waves_y_left_out` are left out: taken to be 0 on the way back.

override pme_columns: u32;
override pme_waves_half: u32;
override pme_waves_y_up: u32;
override pme_waves_y_left_out: u32;
override fft_backwards: bool;

@group(0) @binding(1) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> pme_waves: array<f32>;

// Whether a frequency is kept.
fn pme_transform_y_keeps(k: u32) -> bool {
    return k - pme_waves_y_up >= pme_waves_y_left_out;
}

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
        let wave = vec2<f32>(pme_waves[real + at], pme_waves[imaginary + at]);
        fft_put(element, line, select(vec2<f32>(), wave, !fft_backwards | pme_transform_y_keeps(element)));
    }
    let result = fft_transform(local, 0u);
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let at = first + element * pme_columns;
        let wave = fft_get(result + element, line);
        if fft_backwards | pme_transform_y_keeps(element) {
            pme_waves[real + at] = wave.x;
            pme_waves[imaginary + at] = wave.y;
        }
    }
}

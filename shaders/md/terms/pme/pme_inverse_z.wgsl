// The potential on the grid: transforms back along z, two rows A and B at once as A + i B, whose results are real: the real part is a's row, the
// imaginary part b's. Frequencies above N / 2 are conjugates. Real and imaginary parts change places on the way. Needs fft_factors.wgsl and fft.wgsl.
// Four frequencies, or four points of a row, are read and written at once.
// `pme_waves`: real parts [rows, columns], then imaginary parts; see pme_forward_z.wgsl. `pme_rows`: nx ny of them.
// `pme_potential`: [rows, pme_row], kJ/mol/e; behind a row's last point its first ones stand once more, so that the five points of an atom follow each other.

override pme_rows: u32;
override pme_columns: u32;
override pme_row: u32;
override pme_waves_half: u32;
override pme_grid_points: u32;

@group(0) @binding(0) var<storage, read> pme_waves: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_potential: array<vec4<f32>>;

// 0 past the last row, where a transform's noise may lie, and for frequencies that were left out. `half`: 0, or where imaginary parts begin.
fn pme_inverse_z_waves(row: u32, half: u32, four: u32) -> vec4<f32> {
    let fours = pme_columns / 4u;
    let wave = pme_waves[half + row * fours + min(four, fours - 1u)];
    return select(vec4<f32>(), wave, (row < pme_rows) & (four < fours));
}

fn pme_inverse_z_put(k: u32, line: u32, a: vec2<f32>, b: vec2<f32>) {
    // The conjugates' place; for k = 0 it is past the last element, and the middle one is its own.
    let mirrored = fft_size - k;
    if k < fft_size / 2u + 1u {
        fft_put(k, line, vec2<f32>(a.y + b.x, a.x - b.y));
        if (k > 0u) & (mirrored > k) {
            fft_put(mirrored, line, vec2<f32>(b.x - a.y, a.x + b.y));
        }
    }
}

// A point of the two rows, or the one as far behind a row's beginning as this one is behind its end.
fn pme_inverse_z_point(result: u32, point: u32, line: u32) -> vec2<f32> {
    return fft_get(result + select(point, point - fft_size, point >= fft_size), line);
}

fn pme_inverse_z_keep(row: u32, four: u32, potential: vec4<f32>) {
    pme_potential[min(row * (pme_row / 4u) + four, pme_grid_points / 4u - 1u)] = potential;
}

@compute @workgroup_size(64)
fn pme_inverse_z(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    let row = 2u * ((group.x << fft_lines_log) + line);
    for (var four = fft_first(local); 4u * four < fft_size / 2u + 1u; four += fft_step()) {
        let a_real = pme_inverse_z_waves(row, 0u, four);
        let a_imaginary = pme_inverse_z_waves(row, pme_waves_half / 4u, four);
        let b_real = pme_inverse_z_waves(row + 1u, 0u, four);
        let b_imaginary = pme_inverse_z_waves(row + 1u, pme_waves_half / 4u, four);
        pme_inverse_z_put(4u * four, line, vec2<f32>(a_real.x, a_imaginary.x), vec2<f32>(b_real.x, b_imaginary.x));
        pme_inverse_z_put(4u * four + 1u, line, vec2<f32>(a_real.y, a_imaginary.y), vec2<f32>(b_real.y, b_imaginary.y));
        pme_inverse_z_put(4u * four + 2u, line, vec2<f32>(a_real.z, a_imaginary.z), vec2<f32>(b_real.z, b_imaginary.z));
        pme_inverse_z_put(4u * four + 3u, line, vec2<f32>(a_real.w, a_imaginary.w), vec2<f32>(b_real.w, b_imaginary.w));
    }
    let result = fft_transform(local, 0u);
    for (var four = fft_first(local); four < pme_row / 4u; four += fft_step()) {
        let p0 = pme_inverse_z_point(result, 4u * four, line);
        let p1 = pme_inverse_z_point(result, 4u * four + 1u, line);
        let p2 = pme_inverse_z_point(result, 4u * four + 2u, line);
        let p3 = pme_inverse_z_point(result, 4u * four + 3u, line);
        pme_inverse_z_keep(row, four, vec4<f32>(p0.y, p1.y, p2.y, p3.y));
        pme_inverse_z_keep(row + 1u, four, vec4<f32>(p0.x, p1.x, p2.x, p3.x));
    }
}

// The grid of charges transformed along z, two real rows a and b at once as a + i b: A_k = (Z_k + conj Z_(N-k)) / 2, B_k = (Z_k - conj Z_(N-k)) / 2i.
// Frequencies above N / 2 are the conjugates of others and are left out, and so are those from `pme_waves_z` on. Needs fft_factors.wgsl and fft.wgsl.
// Four points of a row, or four frequencies, are read and written at once. Rows: nx ny, and more, without charges, up to whole workgroups.
// `pme_grid`: [rows, pme_row], units of 2^-26 e, see pme_spread.wgsl; it becomes 0 for the next step, and at the start of a segment all scratch is 0.
// `pme_waves`: real parts [rows, columns], then imaginary parts, e; see pme_transform_y.wgsl.
// `fault` 9: a grid point holds 16 e or more, half of what its 32 bits hold.

override pme_columns: u32;
override pme_waves_z: u32;
override pme_row: u32;
override pme_grid_points: u32;
override pme_waves_half: u32;
override pme_waves_count: u32;

@group(0) @binding(0) var<storage, read_write> pme_grid: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_waves: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

const PME_GRID_MAX: i32 = 1073741824;

// What lies `z` points behind the beginning of a row.
fn pme_forward_z_beyond(row: u32, z: u32) -> i32 {
    let at = min(row * pme_row + z, pme_grid_points - 1u);
    return pme_grid[at / 4u][at % 4u];
}

fn pme_forward_z_clear(row: u32, four: u32) {
    pme_grid[min(row * (pme_row / 4u) + four, pme_grid_points / 4u - 1u)] = vec4<i32>();
}

// Four points. The four behind a row's last one belong to its first four.
fn pme_forward_z_charges(row: u32, four: u32) -> vec4<f32> {
    var units = pme_grid[min(row * (pme_row / 4u) + four, pme_grid_points / 4u - 1u)];
    if four == 0u {
        units += vec4<i32>(
            pme_forward_z_beyond(row, fft_size),
            pme_forward_z_beyond(row, fft_size + 1u),
            pme_forward_z_beyond(row, fft_size + 2u),
            pme_forward_z_beyond(row, fft_size + 3u),
        );
    }
    if any((units >= vec4<i32>(PME_GRID_MAX)) | (units <= vec4<i32>(-PME_GRID_MAX))) {
        atomicMax(&fault[0], 9u);
    }
    return vec4<f32>(units) * 1.4901161e-8;
}

fn pme_forward_z_put(element: u32, line: u32, a: f32, b: f32) {
    if element < fft_size {
        fft_put(element, line, vec2<f32>(a, b));
    }
}

// A_k and B_k; 0 where there is room for more frequencies than are kept.
fn pme_forward_z_wave(result: u32, k: u32, line: u32) -> vec4<f32> {
    let z = fft_get(result + k, line);
    let y = fft_get(result + select(fft_size - k, 0u, k == 0u), line);
    let waves = 0.5 * vec4<f32>(z.x + y.x, z.y - y.y, z.y + y.y, y.x - z.x);
    return select(vec4<f32>(), waves, k < pme_waves_z);
}

fn pme_forward_z_keep(row: u32, four: u32, real: vec4<f32>, imaginary: vec4<f32>) {
    let at = row * (pme_columns / 4u) + four;
    pme_waves[min(at, pme_waves_count / 4u - 1u)] = real;
    pme_waves[min(pme_waves_half / 4u + at, pme_waves_count / 4u - 1u)] = imaginary;
}

@compute @workgroup_size(64)
fn pme_forward_z(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    let row = 2u * ((group.x << fft_lines_log) + line);
    for (var four = fft_first(local); four < (fft_size + 3u) / 4u; four += fft_step()) {
        let a = pme_forward_z_charges(row, four);
        let b = pme_forward_z_charges(row + 1u, four);
        pme_forward_z_put(4u * four, line, a.x, b.x);
        pme_forward_z_put(4u * four + 1u, line, a.y, b.y);
        pme_forward_z_put(4u * four + 2u, line, a.z, b.z);
        pme_forward_z_put(4u * four + 3u, line, a.w, b.w);
    }
    // Four points may hold the end of a row and what lies behind it.
    storageBarrier();
    for (var four = fft_first(local); four < pme_row / 4u; four += fft_step()) {
        pme_forward_z_clear(row, four);
        pme_forward_z_clear(row + 1u, four);
    }
    let result = fft_transform(local, 0u);
    for (var four = fft_first(local); four < pme_columns / 4u; four += fft_step()) {
        let w0 = pme_forward_z_wave(result, 4u * four, line);
        let w1 = pme_forward_z_wave(result, 4u * four + 1u, line);
        let w2 = pme_forward_z_wave(result, 4u * four + 2u, line);
        let w3 = pme_forward_z_wave(result, 4u * four + 3u, line);
        pme_forward_z_keep(row, four, vec4<f32>(w0.x, w1.x, w2.x, w3.x), vec4<f32>(w0.y, w1.y, w2.y, w3.y));
        pme_forward_z_keep(row + 1u, four, vec4<f32>(w0.z, w1.z, w2.z, w3.z), vec4<f32>(w0.w, w1.w, w2.w, w3.w));
    }
}

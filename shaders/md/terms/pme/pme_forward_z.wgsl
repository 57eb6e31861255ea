// The grid of charges transformed along z, two real rows a and b at once as a + i b: A_k = (Z_k + conj Z_(N-k)) / 2, B_k = (Z_k - conj Z_(N-k)) / 2i.
// Frequencies above N / 2 are the conjugates of others and are left out. Needs fft_factors.wgsl and fft.wgsl.
// Rows: nx ny, and more, without charges, up to whole workgroups. `pme_grid`: [rows, nz + 4], units of 2^-26 e, see
// pme_spread.wgsl. `pme_waves`: real parts [rows, columns], then
// imaginary parts, e; see pme_transform_y.wgsl.
// `fault` 9: a grid point holds 16 e or more, half of what its 32 bits hold.

override pme_columns: u32;
override pme_row: u32;
override pme_grid_points: u32;
override pme_waves_half: u32;
override pme_waves_count: u32;

@group(0) @binding(0) var<storage, read> pme_grid: array<i32>;
@group(0) @binding(2) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_waves: array<f32>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

const PME_GRID_MAX: i32 = 1073741824;

// A row past the last one has no charges, but room.
fn pme_forward_z_charge(row: u32, element: u32) -> f32 {
    let at = min(row * pme_row + element, pme_grid_points - 1u);
    var units = pme_grid[at];
    if element + fft_size < pme_row {
        units += pme_grid[min(at + fft_size, pme_grid_points - 1u)];
    }
    if (units >= PME_GRID_MAX) | (units <= -PME_GRID_MAX) {
        atomicMax(&fault[0], 9u);
    }
    return f32(units) * 1.4901161e-8;
}

fn pme_forward_z_keep(row: u32, k: u32, wave: vec2<f32>) {
    let at = row * pme_columns + k;
    pme_waves[min(at, pme_waves_count - 1u)] = wave.x;
    pme_waves[min(pme_waves_half + at, pme_waves_count - 1u)] = wave.y;
}

@compute @workgroup_size(64)
fn pme_forward_z(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let line = fft_line(local);
    let row = 2u * ((group.x << fft_lines_log) + line);
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        fft_put(element, line, vec2<f32>(pme_forward_z_charge(row, element), pme_forward_z_charge(row + 1u, element)));
    }
    let result = fft_transform(local, 0u);
    for (var k = fft_first(local); k < fft_size / 2u + 1u; k += fft_step()) {
        let z = fft_get(result + k, line);
        let y = fft_get(result + select(fft_size - k, 0u, k == 0u), line);
        pme_forward_z_keep(row, k, 0.5 * vec2<f32>(z.x + y.x, z.y - y.y));
        pme_forward_z_keep(row + 1u, k, 0.5 * vec2<f32>(z.y + y.y, y.x - z.x));
    }
}

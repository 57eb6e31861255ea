// The grid of charges transformed along z, two real rows a and b at once as a + i b: A_k = (Z_k + conj Z_(N-k)) / 2, B_k = (Z_k - conj Z_(N-k)) / 2i.
// Frequencies above N / 2 are the conjugates of others and are left out. Needs fft.wgsl.
// `pme_grid`: [nx ny, nz], units of 2^-26 e. `pme_waves`: [nx ny, nz / 2 + 1], e.

override pme_rows: u32;

@group(0) @binding(0) var<storage, read> pme_grid: array<i32>;
@group(0) @binding(1) var<storage, read> fft_plan: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> fft_roots: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> pme_waves: array<vec2<f32>>;

fn pme_forward_z_charge(row: u32, element: u32) -> f32 {
    if row >= pme_rows {
        return 0.0;
    }
    return f32(pme_grid[row * fft_size + element]) * 1.4901161e-8;
}

@compute @workgroup_size(64)
fn pme_forward_z(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let lines = 1u << fft_lines_log;
    for (var at = local; at < (fft_size << fft_lines_log); at += FFT_INVOCATIONS) {
        let element = at >> fft_lines_log;
        let row = 2u * ((group.x << fft_lines_log) + (at & (lines - 1u)));
        fft_memory[at] = vec2<f32>(pme_forward_z_charge(row, element), pme_forward_z_charge(row + 1u, element));
    }
    let result = fft_transform(local, 0u, 1.0);
    let half = fft_size / 2u + 1u;
    for (var at = local; at < (half << fft_lines_log); at += FFT_INVOCATIONS) {
        let k = at >> fft_lines_log;
        let line = at & (lines - 1u);
        let row = 2u * ((group.x << fft_lines_log) + line);
        let z = fft_memory[result + at];
        let mirrored = select(fft_size - k, 0u, k == 0u);
        let y = fft_memory[result + (mirrored << fft_lines_log) + line];
        if row < pme_rows {
            pme_waves[row * half + k] = 0.5 * vec2<f32>(z.x + y.x, z.y - y.y);
        }
        if row + 1u < pme_rows {
            pme_waves[(row + 1u) * half + k] = 0.5 * vec2<f32>(z.y + y.y, y.x - z.x);
        }
    }
}

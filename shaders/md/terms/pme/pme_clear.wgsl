// Empties the grid of charges. `pme_grid`: [nx, ny, nz].

override pme_points: u32;

@group(0) @binding(0) var<storage, read_write> pme_grid: array<i32>;

@compute @workgroup_size(64)
fn pme_clear(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < pme_points {
        pme_grid[id.x] = 0;
    }
}

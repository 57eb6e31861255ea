// Spreads charges over the grid, each contribution rounded to the nearest by itself in units of 2^-26 e, so that sums are exact in any order.
// A grid point holds up to 32 e; partial sums may overflow. One invocation an atom. Needs pme_spline.wgsl.
// `pme_charges`: by tag, in units of 2^-26 e. `pme_grid`: [nx, ny, pme_row], zero before (pme_forward_z.wgsl); a row has nz + 4 points, up to a multiple of four: along z the five points of an
// atom follow each other, and the four behind the last one belong to the first four.

override atoms: u32;
override pme_row: u32;
override pme_grid_points: u32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> pme_charges: array<f32>;
@group(0) @binding(2) var<storage, read_write> pme_grid: array<atomic<i32>>;

// More than a share can be: the conversion stays within integers.
const PME_SHARE_MAX: f32 = 1073741824.0;

fn pme_spread_units(share: f32) -> i32 {
    return i32(round(min(PME_SHARE_MAX, share)));
}

@compute @workgroup_size(64)
fn pme_spread(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let charge = pme_charges[tag];
    if charge == 0.0 {
        return;
    }
    let position = positions[tag].xyz;
    var x = pme_spline(position.x, pme_nx);
    var y = pme_spline(position.y, pme_ny);
    let z = pme_spline(position.z, pme_nz);
    // Where the five rows of a plane begin.
    var rows: array<u32, 5>;
    for (var j = 0u; j < 5u; j++) {
        rows[j] = pme_point(y.first, j, pme_ny) * pme_row + z.first;
    }
    for (var i = 0u; i < 5u; i++) {
        let plane = pme_point(x.first, i, pme_nx) * (pme_ny * pme_row);
        let share_x = charge * x.w[i];
        for (var j = 0u; j < 5u; j++) {
            let share = share_x * y.w[j];
            let point = min(plane + rows[j], pme_grid_points - 5u);
            atomicAdd(&pme_grid[point], pme_spread_units(share * z.w[0]));
            atomicAdd(&pme_grid[point + 1u], pme_spread_units(share * z.w[1]));
            atomicAdd(&pme_grid[point + 2u], pme_spread_units(share * z.w[2]));
            atomicAdd(&pme_grid[point + 3u], pme_spread_units(share * z.w[3]));
            atomicAdd(&pme_grid[point + 4u], pme_spread_units(share * z.w[4]));
        }
    }
}

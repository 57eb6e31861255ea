// Magnetisation and energy of the whole lattice: the sum of its rows, in integers, by one workgroup.
//
// Bindings: 0 rows (i32, [height, 2]: magnetisation, energy / J), 1 totals (i32, [2]: the same of all rows).

override height: u32;

@group(0) @binding(0) var<storage, read> rows: array<vec2<i32>>;
@group(0) @binding(1) var<storage, read_write> totals: array<i32>;

const lanes: u32 = 64u;
var<workgroup> sums: array<vec2<i32>, lanes>;

@compute @workgroup_size(lanes)
fn measure_totals(@builtin(local_invocation_index) lane: u32) {
    var sum = vec2<i32>(0, 0);
    for (var y = lane; y < height; y += lanes) {
        sum += rows[y];
    }
    sums[lane] = sum;
    for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sums[lane] += sums[lane + reach];
        }
    }
    if lane == 0u {
        totals[0] = sums[0].x;
        totals[1] = sums[0].y;
    }
}

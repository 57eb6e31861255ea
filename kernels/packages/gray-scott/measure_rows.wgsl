// Amounts of U and V in each row, in fixed point: one workgroup a row.
//
// A concentration, between 0 and 2, counts in whole units of 2^-22, so that the sum of 256 of them fits 32 bits and does not
// depend on the order of its terms.
// Bindings: 0 grid (f32, [height, width, 2]: U, V), 1 rows (u32, [height, 2]).

override width: u32;

@group(0) @binding(0) var<storage, read> grid: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> rows: array<vec2<u32>>;

const lanes: u32 = 64u;
var<workgroup> sums: array<vec2<u32>, lanes>;

@compute @workgroup_size(lanes)
fn measure_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var sum = vec2<u32>(0u, 0u);
    for (var x = lane; x < width; x += lanes) {
        sum += vec2<u32>(grid[group.x * width + x] * 4194304.0);
    }
    sums[lane] = sum;
    for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sums[lane] += sums[lane + reach];
        }
    }
    if lane == 0u {
        rows[group.x] = sums[0];
    }
}

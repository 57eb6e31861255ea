// Magnetisation and energy of each row, in integers: one workgroup a row.
//
// Energy / J of a site counts its bonds to the east and to the south, so that every bond counts once.
// Bindings: 0 spins (i32, [height, width]), 1 rows (i32, [height, 2]: magnetisation, energy / J).

override width: u32;
override height: u32;

@group(0) @binding(0) var<storage, read> spins: array<i32>;
@group(0) @binding(1) var<storage, read_write> rows: array<vec2<i32>>;

const lanes: u32 = 64u;
var<workgroup> sums: array<vec2<i32>, lanes>;

@compute @workgroup_size(lanes)
fn measure_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let y = group.x;
    let south = select(y + 1u, 0u, y == height - 1u);
    var sum = vec2<i32>(0, 0);
    for (var x = lane; x < width; x += lanes) {
        let east = select(x + 1u, 0u, x == width - 1u);
        let spin = spins[y * width + x];
        sum += vec2<i32>(spin, -spin * (spins[y * width + east] + spins[south * width + x]));
    }
    sums[lane] = sum;
    for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sums[lane] += sums[lane + reach];
        }
    }
    if lane == 0u {
        rows[y] = sums[0];
    }
}

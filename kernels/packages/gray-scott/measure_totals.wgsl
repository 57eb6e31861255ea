// Amounts of U and V in the whole grid: the sum of its rows, as integers of 64 bits, by one workgroup.
//
// An integer of 64 bits is a pair of words, low and high; the low words' sum carries when it is less than a term.
// Bindings: 0 rows (u32, [height, 2]), 1 totals (u32, [4]: U low, U high, V low, V high).

override height: u32;

@group(0) @binding(0) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> totals: array<u32>;

// Low words of U and V in xy, high words in zw.
fn totals_add(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let low = a.xy + b.xy;
    return vec4<u32>(low, a.zw + b.zw + select(vec2<u32>(0u, 0u), vec2<u32>(1u, 1u), low < a.xy));
}

const lanes: u32 = 64u;
var<workgroup> sums: array<vec4<u32>, lanes>;

@compute @workgroup_size(lanes)
fn measure_totals(@builtin(local_invocation_index) lane: u32) {
    var sum = vec4<u32>(0u, 0u, 0u, 0u);
    for (var y = lane; y < height; y += lanes) {
        sum = totals_add(sum, vec4<u32>(rows[y], 0u, 0u));
    }
    sums[lane] = sum;
    for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sums[lane] = totals_add(sums[lane], sums[lane + reach]);
        }
    }
    if lane == 0u {
        totals[0] = sums[0].x;
        totals[1] = sums[0].z;
        totals[2] = sums[0].y;
        totals[3] = sums[0].w;
    }
}

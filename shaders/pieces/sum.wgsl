// The sum of all elements of an f32 buffer, exact: 64-bit fixed point with 2^-32 to the unit, so that the order of additions cannot matter.
//
// Each element is cut (not rounded) below 2^-32. Elements of magnitude 524288 and more, and NaN, are left out and counted.
// One workgroup: `workgroups = [1]`. Join fixed64.wgsl before it. A column of the sum: `element = 0`, `read = "i64"`, `scale = 2.3283064365386963e-10`
// (2^-32); of the mean: that scale divided by the number of elements.
// Bindings: 0 values (f32, any shape), 1 total (u32, [4]: low word, high word, elements left out, 0).

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<u32>;

const sum_lanes: u32 = 64u;
var<workgroup> sum_parts: array<vec2<u32>, sum_lanes>;
var<workgroup> sum_left_out: array<u32, sum_lanes>;

@compute @workgroup_size(sum_lanes)
fn sum(@builtin(local_invocation_index) lane: u32) {
    var part = vec2<u32>();
    var left_out = 0u;
    for (var i = lane; i < arrayLength(&values); i += sum_lanes) {
        part = fixed64_add(part, fixed64_of(values[i]));
        left_out += u32(!fixed64_fits(values[i]));
    }
    sum_parts[lane] = part;
    sum_left_out[lane] = left_out;
    for (var reach = sum_lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sum_parts[lane] = fixed64_add(sum_parts[lane], sum_parts[lane + reach]);
            sum_left_out[lane] += sum_left_out[lane + reach];
        }
    }
    if lane == 0u {
        total[0] = sum_parts[0].x;
        total[1] = sum_parts[0].y;
        total[2] = sum_left_out[0];
        total[3] = 0u;
    }
}

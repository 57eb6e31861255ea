// The sum of all elements of an i32 buffer, exact: a 64-bit integer.
//
// One workgroup: `workgroups = [1]`. Join fixed64.wgsl before it. A column of the sum: `element = 0`, `read = "i64"`; of the mean: with `scale` one divided by the
// number of elements.
// Bindings: 0 values (i32, any shape), 1 total (u32, [2]: low word, high word).

@group(0) @binding(0) var<storage, read> values: array<i32>;
@group(0) @binding(1) var<storage, read_write> total: array<u32>;

const sum_lanes: u32 = 64u;
var<workgroup> sum_parts: array<vec2<u32>, sum_lanes>;

@compute @workgroup_size(sum_lanes)
fn sum_i32(@builtin(local_invocation_index) lane: u32) {
    var part = vec2<u32>();
    for (var i = lane; i < arrayLength(&values); i += sum_lanes) {
        let value = values[i];
        part = fixed64_add(part, vec2<u32>(bitcast<u32>(value), bitcast<u32>(value >> 31u)));
    }
    sum_parts[lane] = part;
    for (var reach = sum_lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sum_parts[lane] = fixed64_add(sum_parts[lane], sum_parts[lane + reach]);
        }
    }
    if lane == 0u {
        total[0] = sum_parts[0].x;
        total[1] = sum_parts[0].y;
    }
}

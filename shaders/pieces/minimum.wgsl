// The smallest of all elements of an f32 buffer, by their bits: the same on every device, -0 counting as +0.
//
// NaN counts as larger than infinity where its sign is clear, and as smaller than minus infinity where it is set. One workgroup: `workgroups = [1]`. A column: `element = 0`.
// Bindings: 0 values (f32, any shape), 1 extreme (f32, [1]).

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> extreme: array<f32>;

const extreme_lanes: u32 = 64u;
var<workgroup> extreme_parts: array<u32, extreme_lanes>;

// A number whose order as an unsigned integer is that of x. Negative numbers have all bits turned, others the first; -0 counts as +0, since a device may
// give either.
fn extreme_rank(x: f32) -> u32 {
    let raw = bitcast<u32>(x);
    let bits = select(raw, 0u, raw << 1u == 0u);
    return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u);
}

@compute @workgroup_size(extreme_lanes)
fn minimum(@builtin(local_invocation_index) lane: u32) {
    var part = extreme_rank(values[0]);
    for (var i = lane; i < arrayLength(&values); i += extreme_lanes) {
        part = min(part, extreme_rank(values[i]));
    }
    extreme_parts[lane] = part;
    for (var reach = extreme_lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            extreme_parts[lane] = min(extreme_parts[lane], extreme_parts[lane + reach]);
        }
    }
    if lane == 0u {
        let rank = extreme_parts[0];
        extreme[0] = bitcast<f32>(rank ^ select(0xffffffffu, 0x80000000u, rank >= 0x80000000u));
    }
}

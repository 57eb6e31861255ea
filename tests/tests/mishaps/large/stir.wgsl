// A state that does not compress: every value is stirred by an integer hash of itself, its place and the step.
//
// Source of the hash's constants: C. Wellons, "Prospecting for hash functions" (lowbias32).
// Bindings: 0 values (u32, [cells]), 1 clock (the number of the step: low word, high word, 0, 0).

override cells: u32;
@group(0) @binding(0) var<storage, read_write> values: array<u32>;
@group(0) @binding(1) var<uniform> clock: vec4<u32>;

fn mix(x: u32) -> u32 {
    var h = x;
    h = (h ^ (h >> 16u)) * 0x7feb352du;
    h = (h ^ (h >> 15u)) * 0x846ca68bu;
    return h ^ (h >> 16u);
}

@compute @workgroup_size(64)
fn stir(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var i = id.x; i < cells; i += 262144u) {
        values[i] = mix(values[i] + i * 2654435769u + clock.x);
    }
}

enable f16;

// Weights kept small.

@group(0) @binding(0) var<storage, read_write> weights: array<u32>;

@compute @workgroup_size(64)
fn scale(@builtin(global_invocation_id) id: vec3<u32>) {
    let pair = unpack2x16float(weights[id.x]); // bad
    let half = f16(pair.x) * 1.5h; // bad
    weights[id.x] = u32(f32(half));
}

// Forces that went wrong are counted.

@group(0) @binding(0) var<storage, read> forces: array<f32>;
@group(0) @binding(1) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn check(@builtin(global_invocation_id) id: vec3<u32>) {
    let f = forces[id.x];
    if f != f { // bad
        atomicMax(&fault[0], 1u);
    }
    if (bitcast<u32>(f) & 0x7fffffffu) >= 0x7f800000u { // bad
        atomicMax(&fault[0], 2u);
    }
}

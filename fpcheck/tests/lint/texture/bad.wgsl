// A potential that is looked up, with the hardware's interpolation.

@group(0) @binding(0) var potential: texture_1d<f32>; // bad
@group(0) @binding(1) var between: sampler; // bad
@group(0) @binding(2) var<storage, read_write> energies: array<f32>;

@compute @workgroup_size(64)
fn look_up(@builtin(global_invocation_id) id: vec3<u32>) {
    energies[id.x] = textureSampleLevel(potential, between, energies[id.x], 0.0).x;
}

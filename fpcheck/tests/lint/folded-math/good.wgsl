// Friction of Langevin dynamics: velocities decay by exp(-gamma dt) in a step, a number that kernel.toml gives.

override kept: f32;

@group(0) @binding(0) var<storage, read_write> velocities: array<f32>;

const turn: f32 = 0.9950042; // good

@compute @workgroup_size(64)
fn decay(@builtin(global_invocation_id) id: vec3<u32>) {
    velocities[id.x] = velocities[id.x] * kept * turn * exp(-velocities[id.x]);
}

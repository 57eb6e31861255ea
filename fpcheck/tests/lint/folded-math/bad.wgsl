// Friction of Langevin dynamics: velocities decay by exp(-gamma dt) in a step.

override gamma: f32;
override dt: f32;

@group(0) @binding(0) var<storage, read_write> velocities: array<f32>;

const turn: f32 = cos(0.1); // bad

@compute @workgroup_size(64)
fn decay(@builtin(global_invocation_id) id: vec3<u32>) {
    let kept = exp(-gamma * dt); // bad
    let scaled = velocities[id.x] * (1.0 + 2.0 * sin(0.5)); // bad
    velocities[id.x] = scaled * kept * turn;
}

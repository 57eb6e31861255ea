// A potential that is looked up in a table of 256 values, with interpolation of our own.

@group(0) @binding(0) var<storage, read> potential: array<f32>;
@group(0) @binding(1) var<storage, read_write> energies: array<f32>;

@compute @workgroup_size(64)
fn look_up(@builtin(global_invocation_id) id: vec3<u32>) {
    let place = energies[id.x] * 255.0;
    let left = min(u32(place), 254u);
    let part = place - f32(left);
    energies[id.x] = potential[left] * (1.0 - part) + potential[left + 1u] * part; // good
}

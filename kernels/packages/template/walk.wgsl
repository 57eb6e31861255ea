// Each walker steps to one of its four neighbours.
//
// Random numbers have no state: they are a function of the walker, the step and the seed, so a run that was
// interrupted goes on with the very same numbers. Needs threefry.wgsl.
// Bindings: 0 positions (i32, [walkers, 2]), 1 clock (the number of the step: low word, high word, 0, 0).

override walkers: u32;
override seed: u32;

@group(0) @binding(0) var<storage, read_write> positions: array<vec2<i32>>;
@group(0) @binding(1) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(64)
fn walk(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= walkers {
        return; // the last workgroup may reach past the end
    }
    let word = threefry2x32(vec2<u32>(id.x, clock.x), vec2<u32>(seed, clock.y)).x;
    let forward = i32(word & 2u) - 1; // -1 or 1
    positions[id.x] += select(vec2<i32>(0, forward), vec2<i32>(forward, 0), (word & 1u) == 0u);
}

// Each particle gets a random kick of its own.

override seed: u32;

@group(0) @binding(0) var<storage, read_write> velocities: array<i32>;
@group(0) @binding(1) var<uniform> clock: vec4<u32>;

fn random(counter: vec2<u32>, key: vec2<u32>) -> u32 {
    var x = (counter.x ^ key.x) * 0x9e3779b9u + (counter.y ^ key.y);
    x = (x ^ (x >> 16u)) * 0x85ebca6bu;
    return x ^ (x >> 13u);
}

@compute @workgroup_size(64)
fn kick(@builtin(global_invocation_id) id: vec3<u32>) {
    let word = random(vec2<u32>(id.x, clock.x), vec2<u32>(seed, clock.y)); // good
    velocities[id.x] += i32(word & 2u) - 1;
}

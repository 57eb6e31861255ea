// Random numbers without state: Threefry-2x32 with 20 rounds, a bijection of 64 bits chosen by a key of 64 bits.
//
// Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11, doi:10.1145/2063384.2063405.
// Each (counter, key) gives two words of 32 random bits, so a number depends on what it is for and on nothing else:
// put the particle and the step into the counter, the seed into the key. Only + ^ and rotations of u32: exact everywhere.
// Bindings: none. Twin on the host: kernels/src/random.rs. Both are pinned by the known-answer vectors of Random123.

fn threefry_mix(x: vec2<u32>, turn: u32) -> vec2<u32> {
    let sum = x.x + x.y;
    return vec2<u32>(sum, ((x.y << turn) | (x.y >> (32u - turn))) ^ sum);
}

fn threefry_four(x: vec2<u32>, turns: vec4<u32>) -> vec2<u32> {
    return threefry_mix(threefry_mix(threefry_mix(threefry_mix(x, turns.x), turns.y), turns.z), turns.w);
}

fn threefry2x32(counter: vec2<u32>, key: vec2<u32>) -> vec2<u32> {
    let even = vec4<u32>(13u, 15u, 26u, 6u);
    let odd = vec4<u32>(17u, 29u, 16u, 24u);
    let third = 0x1bd11bdau ^ key.x ^ key.y;
    var x = counter + key;
    x = threefry_four(x, even) + vec2<u32>(key.y, third + 1u);
    x = threefry_four(x, odd) + vec2<u32>(third, key.x + 2u);
    x = threefry_four(x, even) + vec2<u32>(key.x, key.y + 3u);
    x = threefry_four(x, odd) + vec2<u32>(key.y, third + 4u);
    return threefry_four(x, even) + vec2<u32>(third, key.x + 5u);
}

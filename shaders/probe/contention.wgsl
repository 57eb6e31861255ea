// Every invocation adds onto the same few words: integer atomics lose nothing, whatever the order.
// Bindings: 0 x (one word a case), 1 y (16 words).

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<atomic<u32>, 16>;

@compute @workgroup_size(64)
fn contention(@builtin(global_invocation_id) id: vec3<u32>) {
    let value = x[id.x];
    atomicAdd(&y[0], value);
    // The low and the high half apart: a sum of 48 bits.
    atomicAdd(&y[1], value & 0xffffu);
    atomicAdd(&y[2], value >> 16u);
    atomicMax(&y[3], value);
    atomicMax(&y[4], ~value);
    atomicOr(&y[5], value & 0x55550000u);
    atomicXor(&y[6], value);
    atomicSub(&y[7], value);
    atomicAdd(&y[8u + id.x % 8u], value);
}

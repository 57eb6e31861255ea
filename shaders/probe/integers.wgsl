// Integers: products and their high words, carries, shifts, division with its edges, bits.
// Bindings: 0 x (two operands a case), 1 y (sixteen words a case).

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

fn integers_high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let left = (a >> 16u) * (b & 0xffffu);
    let right = (a & 0xffffu) * (b >> 16u);
    let middle = (low >> 16u) + (left & 0xffffu) + (right & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (left >> 16u) + (right >> 16u) + (middle >> 16u);
}

@compute @workgroup_size(64)
fn integers(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[2u * id.x];
    let b = x[2u * id.x + 1u];
    let i = bitcast<i32>(a);
    let j = bitcast<i32>(b);
    let at = 16u * id.x;
    y[at] = a * b;
    y[at + 1u] = integers_high(a, b);
    y[at + 2u] = a + b;
    y[at + 3u] = select(0u, 1u, a + b < a);
    y[at + 4u] = a << (b & 31u);
    y[at + 5u] = a >> (b & 31u);
    y[at + 6u] = bitcast<u32>(i >> (b & 31u));
    y[at + 7u] = a / b;
    y[at + 8u] = a % b;
    y[at + 9u] = bitcast<u32>(i / j);
    y[at + 10u] = bitcast<u32>(i % j);
    y[at + 11u] = countOneBits(a);
    y[at + 12u] = firstLeadingBit(a);
    y[at + 13u] = reverseBits(a);
    y[at + 14u] = extractBits(a, 5u, 9u);
    y[at + 15u] = select(0u, 1u, i < j);
}

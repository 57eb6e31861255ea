// How + - * round, and what must not round at all: comparisons, negate, abs, select.
// Bindings: 0 x (two operands a case), 1 y (eight words a case).

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn arithmetic(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[2u * id.x];
    let b = x[2u * id.x + 1u];
    let at = 8u * id.x;
    y[at] = bitcast<u32>(a + b);
    y[at + 1u] = bitcast<u32>(a - b);
    y[at + 2u] = bitcast<u32>(a * b);
    y[at + 3u] = select(0u, 1u, a < b);
    y[at + 4u] = select(0u, 1u, a == b);
    y[at + 5u] = bitcast<u32>(-a);
    y[at + 6u] = bitcast<u32>(abs(a));
    y[at + 7u] = bitcast<u32>(select(b, a, a > b));
}

// floor, ceil, trunc, round, min, max, clamp and sign.
// Bindings: 0 x (two operands a case), 1 y (eight words a case).

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn rounding(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[2u * id.x];
    let b = x[2u * id.x + 1u];
    let at = 8u * id.x;
    y[at] = bitcast<u32>(floor(a));
    y[at + 1u] = bitcast<u32>(ceil(a));
    y[at + 2u] = bitcast<u32>(trunc(a));
    y[at + 3u] = bitcast<u32>(round(a));
    y[at + 4u] = bitcast<u32>(min(a, b));
    y[at + 5u] = bitcast<u32>(max(a, b));
    y[at + 6u] = bitcast<u32>(clamp(a, -2.5, 7.0));
    y[at + 7u] = bitcast<u32>(sign(a));
}

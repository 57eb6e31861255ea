// What becomes of numbers below 2^-126: made by arithmetic, taken by it, compared, moved.
// Bindings: 0 x (a subnormal and a small normal number a case), 1 y (eleven words a case).

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn subnormals(@builtin(global_invocation_id) id: vec3<u32>) {
    let tiny = x[2u * id.x];
    let small = x[2u * id.x + 1u];
    let at = 11u * id.x;
    y[at] = bitcast<u32>(tiny);
    y[at + 1u] = bitcast<u32>(small - 1.1754944e-38);
    y[at + 2u] = bitcast<u32>(small * 0.37);
    y[at + 3u] = bitcast<u32>(tiny + small);
    y[at + 4u] = bitcast<u32>(tiny * 1.0737418e9);
    y[at + 5u] = bitcast<u32>(tiny + tiny);
    y[at + 6u] = select(0u, 1u, tiny == 0.0);
    y[at + 7u] = select(0u, 1u, abs(tiny) > 0.0);
    y[at + 8u] = bitcast<u32>(-tiny);
    y[at + 9u] = bitcast<u32>(max(tiny, -1.0));
    y[at + 10u] = bitcast<u32>(select(small, tiny, small > 0.0));
}

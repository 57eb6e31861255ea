// Between floats and integers: in range, at its edges, and beyond.
// Bindings: 0 x (four words a case: a float in i32's range, one in u32's, an integer, any float), 1 y (eight words a case).

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn conversions(@builtin(global_invocation_id) id: vec3<u32>) {
    let signed = bitcast<f32>(x[4u * id.x]);
    let unsigned = bitcast<f32>(x[4u * id.x + 1u]);
    let whole = x[4u * id.x + 2u];
    let any = bitcast<f32>(x[4u * id.x + 3u]);
    let at = 8u * id.x;
    y[at] = bitcast<u32>(i32(signed));
    y[at + 1u] = u32(unsigned);
    y[at + 2u] = bitcast<u32>(f32(bitcast<i32>(whole) >> 8u));
    y[at + 3u] = bitcast<u32>(f32(whole >> 8u));
    y[at + 4u] = bitcast<u32>(f32(bitcast<i32>(whole)));
    y[at + 5u] = bitcast<u32>(f32(whole));
    y[at + 6u] = bitcast<u32>(i32(any));
    y[at + 7u] = u32(any);
}

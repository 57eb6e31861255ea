// Division, roots and elementary functions, whose last bits WGSL leaves open.
// Bindings: 0 x (three operands a case: in [0.01, 100), in [0.01, 100), in [-8, 8)), 1 y (sixteen words a case).

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn functions(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[3u * id.x];
    let b = x[3u * id.x + 1u];
    let t = x[3u * id.x + 2u];
    let at = 16u * id.x;
    y[at] = bitcast<u32>(a / b);
    y[at + 1u] = bitcast<u32>(sqrt(a));
    y[at + 2u] = bitcast<u32>((t * a) / a);
    y[at + 3u] = bitcast<u32>(inverseSqrt(a));
    y[at + 4u] = bitcast<u32>(fma(a, b, t));
    y[at + 5u] = bitcast<u32>(exp(t));
    y[at + 6u] = bitcast<u32>(log(a));
    y[at + 7u] = bitcast<u32>(sin(t));
    y[at + 8u] = bitcast<u32>(cos(t));
    y[at + 9u] = bitcast<u32>(tan(t * 0.125));
    y[at + 10u] = bitcast<u32>(atan2(t, a));
    y[at + 11u] = bitcast<u32>(pow(a, t * 0.25));
    let v = vec3<f32>(a, b, t);
    y[at + 12u] = bitcast<u32>(dot(v, v.zxy));
    y[at + 13u] = bitcast<u32>(length(v));
    y[at + 14u] = bitcast<u32>(normalize(v).z);
    y[at + 15u] = bitcast<u32>(mix(a, b, t));
}

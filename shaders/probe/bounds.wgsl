// Indices out of bounds are clamped: in buffers, in private arrays, in vectors.
// Bindings: 0 x (one index a case), 1 y (three words a case).

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn bounds(@builtin(global_invocation_id) id: vec3<u32>) {
    let index = x[id.x];
    let at = 3u * id.x;
    y[at] = x[index];
    var table = array<u32, 5>(10u, 11u, 12u, 13u, 14u);
    table[index] += id.x;
    y[at + 1u] = table[0] + 3u * table[1] + 5u * table[4];
    var vector = vec4<u32>(20u, 21u, 22u, 23u);
    y[at + 2u] = vector[index];
}

// How many rounds a loop really goes.
// Bindings: 0 x (rounds wanted, one a case), 1 y (rounds gone).

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn loops(@builtin(global_invocation_id) id: vec3<u32>) {
    let wanted = x[id.x];
    var gone = 0u;
    for (var k = 0u; k < wanted; k++) {
        gone += 1u + (k >> 31u);
    }
    y[id.x] = gone;
}

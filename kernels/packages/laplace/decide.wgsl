// Sets the flag that ends the run (`done` in kernel.toml) once the largest residual is within the tolerance. It is never taken back.
//
// Bindings: 0 worst (f32, [1], K), 1 converged (u32, [1]).

override tolerance: f32;

@group(0) @binding(0) var<storage, read> worst: array<f32>;
@group(0) @binding(1) var<storage, read_write> converged: array<u32>;

@compute @workgroup_size(1)
fn decide() {
    if worst[0] <= tolerance { converged[0] = 1u; }
}

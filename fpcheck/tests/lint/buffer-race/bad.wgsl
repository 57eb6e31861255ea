// One step of diffusion on a ring, in place; and its total.

override cells: u32;

@group(0) @binding(0) var<storage, read_write> heat: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<f32>;

@compute @workgroup_size(64)
fn diffuse(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= cells {
        return;
    }
    let west = select(id.x - 1u, cells - 1u, id.x == 0u);
    let east = select(id.x + 1u, 0u, id.x == cells - 1u);
    let old = heat[id.x];
    heat[id.x] = old + 0.1 * ((heat[west] + heat[east]) - 2.0 * old); // bad
    total[0] += old; // bad
}

// One explicit Euler step of the Gray-Scott model, dt = 1.
//
//   dU/dt = Du lap U - U V^2 + F (1 - U)
//   dV/dt = Dv lap V + U V^2 - (F + k) V
//
// Source: Pearson, Science 261, 189 (1993), doi:10.1126/science.261.5118.189. The Laplacian is the five-point one, periodic;
// diffusion_u and diffusion_v are Du / h^2 and Dv / h^2. Concentrations are dimensionless.
// Portable: f32 with + - * in one fixed order. Far from the pattern V decays without end; below 1e-15 it counts as none, so that
// no product comes near underflow, where devices may differ.
// Bindings: 0 before, 1 later (f32, [height, width, 2]: U, V).

override width: u32;
override height: u32;
override diffusion_u: f32;
override diffusion_v: f32;
override feed: f32;
override kill: f32;

@group(0) @binding(0) var<storage, read> before: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> later: array<vec2<f32>>;

@compute @workgroup_size(32, 8)
fn euler(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= width || id.y >= height {
        return;
    }
    let west = select(id.x - 1u, width - 1u, id.x == 0u);
    let east = select(id.x + 1u, 0u, id.x == width - 1u);
    let north = select(id.y - 1u, height - 1u, id.y == 0u);
    let south = select(id.y + 1u, 0u, id.y == height - 1u);

    let row = id.y * width;
    let cell = before[row + id.x];
    let sides = (before[row + west] + before[row + east]) + (before[north * width + id.x] + before[south * width + id.x]);
    let laplacian = sides - 4.0 * cell;

    let reaction = cell.x * (cell.y * cell.y);
    let u = cell.x + ((diffusion_u * laplacian.x - reaction) + feed * (1.0 - cell.x));
    let v = cell.y + ((diffusion_v * laplacian.y + reaction) - (feed + kill) * cell.y);
    later[row + id.x] = vec2<f32>(u, select(v, 0.0, v < 1e-15));
}

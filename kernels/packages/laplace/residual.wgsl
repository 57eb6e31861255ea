// How far each cell is from the mean of its four neighbours, which it is in the solution.
//
// |mean of the four neighbours - u|, with u = top above the first row and u = 0 beyond the other edges.
// Bindings: 0 field (f32, [height, width], K), 1 residuals (f32, [height, width], K).

override width: u32;
override height: u32;
override top: f32;

@group(0) @binding(0) var<storage, read> field: array<f32>;
@group(0) @binding(1) var<storage, read_write> residuals: array<f32>;

@compute @workgroup_size(16, 4)
fn residual(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= width || id.y >= height { return; }
    let cell = id.y * width + id.x;
    var up = top;
    var down = 0.0;
    var left = 0.0;
    var right = 0.0;
    if id.y > 0u { up = field[cell - width]; }
    if id.y + 1u < height { down = field[cell + width]; }
    if id.x > 0u { left = field[cell - 1u]; }
    if id.x + 1u < width { right = field[cell + 1u]; }
    residuals[cell] = abs(0.25 * ((up + down) + (left + right)) - field[cell]);
}

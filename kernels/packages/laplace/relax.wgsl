// Half a sweep of successive over-relaxation: cells of one colour of the chessboard, whose neighbours all have the other.
//
// u' = u + w (mean of the four neighbours - u), with u = top above the first row and u = 0 beyond the other edges
// (Young 1954, Trans. Amer. Math. Soc. 76, 92).
// Bindings: 0 before (f32, [height, width], K), 1 later (f32, [height, width], K).

override width: u32;
override height: u32;
override top: f32;
override relaxation: f32;
override colour: u32;

@group(0) @binding(0) var<storage, read> before: array<f32>;
@group(0) @binding(1) var<storage, read_write> later: array<f32>;

@compute @workgroup_size(16, 4)
fn relax(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= width || id.y >= height { return; }
    let cell = id.y * width + id.x;
    var up = top;
    var down = 0.0;
    var left = 0.0;
    var right = 0.0;
    if id.y > 0u { up = before[cell - width]; }
    if id.y + 1u < height { down = before[cell + width]; }
    if id.x > 0u { left = before[cell - 1u]; }
    if id.x + 1u < width { right = before[cell + 1u]; }
    let old = before[cell];
    let mean = 0.25 * ((up + down) + (left + right));
    later[cell] = select(old, old + relaxation * (mean - old), ((id.x + id.y) & 1u) == colour);
}

// Squares of distances less a reference, exact to about 2^-44 of the square: sums of pairs (high + low) of f32, from operations whose rounding errors
// are f32 themselves (Dekker, Numer. Math. 18, 224, 1971; Knuth, TAOCP 2, 4.2.2). They rest on + - * being rounded once each, in this order,
// which the portable tier promises, and which elsewhere no compiler undoes. A difference of positions keeps all its 32 bits. In a box whose size is part of
// the state: as exact.wgsl, with the edges of cell_scaled.wgsl, which it needs. Bindings: none.

// 0, which no compiler knows: an entry point puts the y of its invocation there. In the class-bound tier a compiler may take s - (s - a) for a, as
// for real numbers it is; through `exact_kept` it sees no further.
var<private> exact_zero: u32;

fn exact_kept(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ exact_zero);
}

// a + b.
fn exact_sum(a: f32, b: f32) -> vec2<f32> {
    let s = exact_kept(a + b);
    let t = exact_kept(s - a);
    return vec2<f32>(s, (a - exact_kept(s - t)) + (b - t));
}

// a b, factors in halves of 12 bits.
fn exact_product(a: f32, b: f32) -> vec2<f32> {
    let p = exact_kept(a * b);
    let ha = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
    let hb = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
    let la = a - ha;
    let lb = b - hb;
    return vec2<f32>(p, ((ha * hb - p) + (ha * lb + la * hb)) + la * lb);
}

fn exact_add(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let s = exact_sum(a.x, b.x);
    return exact_sum(s.x, s.y + (a.y + b.y));
}

// d units of a scale, nm.
fn exact_scaled(d: i32, scale: f32) -> vec2<f32> {
    let high = f32(d);
    // 2^31 itself is no i32.
    let rest = f32(select(d - i32(high), 0, high >= 2147483648.0));
    let p = exact_product(high, scale);
    return exact_sum(p.x, p.y + rest * scale);
}

fn exact_square(a: vec2<f32>) -> vec2<f32> {
    let p = exact_product(a.x, a.x);
    return exact_sum(p.x, p.y + 2.0 * (a.x * a.y));
}

// |r|^2 - reference, nm^2, of a difference of positions, nearest image; the reference is a pair too. For distances below half of every edge.
fn exact_square_less(difference: vec3<u32>, reference: vec2<f32>) -> f32 {
    let s = box_scale[0];
    let d = bitcast<vec3<i32>>(difference);
    var x = exact_scaled(d.x, cell_ax * s);
    var y = exact_scaled(d.y, cell_by * s);
    let z = exact_scaled(d.z, cell_cz * s);
    if cell_bx != 0.0 || cell_cx != 0.0 || cell_cy != 0.0 {
        y = exact_add(y, exact_scaled(d.z, cell_cy * s));
        x = exact_add(x, exact_add(exact_scaled(d.y, cell_bx * s), exact_scaled(d.z, cell_cx * s)));
        let b = cell_step(y.x, CELL_HALF * (cell_by * s));
        y = exact_add(y, vec2<f32>(b * (2.0 * CELL_HALF * (cell_by * s)), 0.0));
        x = exact_add(x, vec2<f32>(b * (2.0 * CELL_HALF * (cell_bx * s)), 0.0));
        let a = cell_step(x.x, CELL_HALF * (cell_ax * s));
        x = exact_add(x, vec2<f32>(a * (2.0 * CELL_HALF * (cell_ax * s)), 0.0));
    }
    let square = exact_add(exact_add(exact_square(x), exact_square(y)), exact_square(z));
    let less = exact_add(square, -reference);
    return less.x + less.y;
}

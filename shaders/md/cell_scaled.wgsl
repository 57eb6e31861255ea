// The periodic cell of cell.wgsl where its size is part of the state, as under a barostat: every component of its vectors is that of the reference cell times
// `box_scale[0]`, rounded to f32. Same functions, same constants (those of the reference cell), same restrictions.
// Bindings: `box_scale`, number 15 in every pass.

override cell_ax: f32;
override cell_bx: f32;
override cell_by: f32;
override cell_cx: f32;
override cell_cy: f32;
override cell_cz: f32;
override units_xx: f32;
override units_xy: f32;
override units_xz: f32;
override units_yy: f32;
override units_yz: f32;
override units_zz: f32;

@group(0) @binding(15) var<storage, read> box_scale: array<f32>;

// Half of 2^32 units.
const CELL_HALF: f32 = 2147483648.0;

// A difference of positions in nm: the nearest image, for all within half of the least of ax, by and cz.
fn cell_nm(difference: vec3<u32>) -> vec3<f32> {
    let s = box_scale[0];
    let d = vec3<f32>(bitcast<vec3<i32>>(difference));
    let y = d.y * (cell_by * s) + d.z * (cell_cy * s);
    // Each component is within half an edge by itself; what a tilted vector adds is taken back by one step along b, then one along a.
    let b = cell_step(y, CELL_HALF * (cell_by * s));
    let x = d.x * (cell_ax * s) + (d.y * (cell_bx * s) + d.z * (cell_cx * s)) + b * (2.0 * CELL_HALF * (cell_bx * s));
    let a = cell_step(x, CELL_HALF * (cell_ax * s));
    return vec3<f32>(x + a * (2.0 * CELL_HALF * (cell_ax * s)), y + b * (2.0 * CELL_HALF * (cell_by * s)), d.z * (cell_cz * s));
}

// -1 above half an edge, 1 below minus that, else 0.
fn cell_step(x: f32, half: f32) -> f32 {
    return select(0.0, 1.0, x < -half) - select(0.0, 1.0, x > half);
}

// A displacement in nm as units of a position, not yet rounded.
fn cell_units(displacement: vec3<f32>) -> vec3<f32> {
    let d = displacement / box_scale[0];
    return vec3<f32>(
        d.x * units_xx + (d.y * units_xy + d.z * units_xz),
        d.y * units_yy + d.z * units_yz,
        d.z * units_zz,
    );
}

// How far a velocity leads ahead in any cell, in units of a position. `lead_time`: that many steps on, ps. Needs cell.wgsl.

override lead_time: f32;

fn lead_units(v: vec3<f32>) -> vec3<f32> {
    return cell_units(v * lead_time);
}

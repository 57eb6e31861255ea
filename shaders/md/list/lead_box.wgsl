// How far a velocity leads ahead in a rectangular box, in units of a position: `lead` steps on. `drift_*`: dt 2^32 / L, ps/nm.

override lead: f32;
override drift_x: f32;
override drift_y: f32;
override drift_z: f32;

fn lead_units(v: vec3<f32>) -> vec3<f32> {
    return v * (lead * vec3<f32>(drift_x, drift_y, drift_z));
}

// A step of the leapfrog form of velocity Verlet: v += F dt / m, then x += v dt, rounded to nearest. Velocities are half a step behind the positions before it,
// half a step ahead of them between the two; the trajectory is velocity Verlet's. Positions are fractions of the box in 32 bits: they wrap by overflow, and their
// sums are exact. `kinds`: by type, (dt / m, m), ps/u and u. `drift_*`: dt 2^32 / L, ps/nm, for a rectangular box.
// `fault` 2: an atom would move a quarter of the box or more in one step, or its velocity is not a number. Needs canonical.wgsl.

override atoms: u32;
override drift_x: f32;
override drift_y: f32;
override drift_z: f32;

@group(0) @binding(0) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> types: array<u32>;
@group(0) @binding(2) var<storage, read> kinds: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> positions: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn leapfrog(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let v = canonical3(velocities[tag].xyz + canonical3(forces[tag].xyz) * kinds[types[tag]].x);
    velocities[tag] = vec4<f32>(v, 0.0);
    var move_ = v * vec3<f32>(drift_x, drift_y, drift_z);
    if !all(abs(move_) < vec3<f32>(1073741824.0)) {
        atomicMax(&fault[0], 2u);
        move_ = vec3<f32>();
    }
    let rounded = vec3<i32>(move_ + select(vec3<f32>(-0.5), vec3<f32>(0.5), move_ >= vec3<f32>()));
    positions[tag] = vec4<u32>(positions[tag].xyz + bitcast<vec3<u32>>(rounded), 0u);
}

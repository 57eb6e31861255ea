// Half of a step of the leapfrog form of velocity Verlet: v += F dt / m. Velocities are half a step behind the positions before it, half a step ahead
// after it; the trajectory is velocity Verlet's. `kinds`: by type, (dt / m, m), ps/u and u. Needs canonical.wgsl.

override atoms: u32;

@group(0) @binding(0) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> types: array<u32>;
@group(0) @binding(2) var<storage, read> kinds: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> velocities: array<vec4<f32>>;

@compute @workgroup_size(64)
fn leapfrog_kick(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let v = canonical3(velocities[tag].xyz + canonical3(forces[tag].xyz) * kinds[types[tag]].x);
    velocities[tag] = vec4<f32>(v, 0.0);
}

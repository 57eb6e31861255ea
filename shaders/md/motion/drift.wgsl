// Starts a displacement: v dt. `velocities`: nm/ps. `drift_dt`: ps. `displacements`: nm; constraints change them, move_atoms.wgsl adds them to
// positions. Needs canonical.wgsl.

override atoms: u32;
override drift_dt: f32;

@group(0) @binding(0) var<storage, read> velocities: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> displacements: array<vec4<f32>>;

@compute @workgroup_size(64)
fn drift(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    displacements[tag] = vec4<f32>(canonical3(velocities[tag].xyz * drift_dt), 0.0);
}

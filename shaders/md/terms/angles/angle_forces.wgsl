// Forces of harmonic angles: F_0 = -k (theta - theta0) / (|u x v| |u|^2) u x (u x v), F_2 = k (theta - theta0) / (|u x v| |v|^2) v x (u x v), and
// atom 1 the opposite of both. |u x v| counts as 1e-6 nm^2 at least, as in OpenMM: collinear atoms have no direction to bend to.
// One invocation an angle. Needs cell.wgsl, arc.wgsl, angle.wgsl, force_round.wgsl and force_sums.wgsl.
// `angle_atoms`: tags of the three atoms, 0. `angle_parameters`: see angle.wgsl.

override angles: u32;

@group(0) @binding(5) var<storage, read> angle_atoms: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> angle_parameters: array<vec2<f32>>;

fn angle_forces_of(id: vec3<u32>) {
    if id.x >= angles {
        return;
    }
    let atoms = angle_atoms[id.x];
    let parameters = angle_parameters[id.x];
    let angle = angle_of(positions[atoms.x].xyz, positions[atoms.y].xyz, positions[atoms.z].xyz, parameters);
    let torque = parameters.x * angle.bend / max(angle.area, 1e-6);
    let f0 = force_round(cross(angle.u, angle.normal) * (-torque / dot(angle.u, angle.u)));
    let f2 = force_round(cross(angle.v, angle.normal) * (torque / dot(angle.v, angle.v)));
    force_add(atoms.x, f0);
    force_add(atoms.z, f2);
    force_add(atoms.y, -(f0 + f2));
}

@compute @workgroup_size(64)
fn angle_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    angle_forces_of(id);
}

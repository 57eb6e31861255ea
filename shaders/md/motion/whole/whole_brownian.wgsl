// A step's motion in one pass of overdamped motion, after forces: displacements, constraints, as brownian.wgsl, constrain.wgsl and move_atoms.wgsl one after the other.
// One invocation a group. Needs group.wgsl or alone.wgsl and their files, group_noise.wgsl or alone_noise.wgsl.
// `brownian_push`, `brownian_rate`: see brownian.wgsl. `constraint_rate`: 1/dt, 1/ps.

override brownian_push: f32;
override brownian_rate: f32;
override constraint_rate: f32;

@compute @workgroup_size(64)
fn whole_brownian(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= groups {
        return;
    }
    let group = group_of(id.x);
    let places = group_places(group);
    let d = group_canonical(group_sum(group_pushes(group, brownian_push), group_noise(group)));
    let v = group_canonical(group_scaled(d, brownian_rate));
    let moved = group_constrained(group, group_bonds(group, places), GroupMotion(d, v), constraint_rate);
    group_keep(group, group_moved(group, places, moved.displacements), moved.velocities);
}

// A step's motion in one pass, after forces: the centre's motion off, kick, drift, constraints, as remove_momentum.wgsl, kick.wgsl, drift.wgsl, constrain.wgsl and
// move_atoms.wgsl one after the other. One invocation a group. Needs group.wgsl or alone.wgsl and their files, centre.wgsl or centre_none.wgsl.
// `kick_dt`: dt, ps. `constraint_rate`: 1/dt, 1/ps.

override kick_dt: f32;
override constraint_rate: f32;

@compute @workgroup_size(64)
fn whole_verlet(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let drift = centre_velocity(local);
    if id.x >= groups {
        return;
    }
    let group = group_of(id.x);
    let places = group_places(group);
    let bonds = group_bonds(group, places);
    var v = group_velocities(group);
    if CENTRE_MOVES {
        v = group_without(group, v, drift);
    }
    v = group_canonical(group_sum(v, group_pushes(group, kick_dt)));
    let moved = group_constrained(group, bonds, GroupMotion(group_canonical(group_scaled(v, kick_dt)), v), constraint_rate);
    group_keep(group, group_moved(group, places, moved.displacements), moved.velocities);
}

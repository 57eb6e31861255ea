// A step's motion in one pass, after forces, of the LangevinMiddle scheme: the centre's motion off, kick, projection, half a drift, the Ornstein-Uhlenbeck step, half a
// drift, constraints, as remove_momentum.wgsl, kick.wgsl, constrain_velocities.wgsl, middle.wgsl, constrain.wgsl and move_atoms.wgsl one after the other.
// One invocation a group. Needs group.wgsl or alone.wgsl and their files, group_noise.wgsl or alone_noise.wgsl, centre.wgsl or centre_none.wgsl.
// `kick_dt`: dt, ps. `drift_dt`: dt/2, ps. `friction_keep`: see middle.wgsl. `constraint_rate`: 1/dt, 1/ps.

override kick_dt: f32;
override drift_dt: f32;
override friction_keep: f32;
override constraint_rate: f32;

@compute @workgroup_size(64)
fn whole_middle(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
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
    v = group_projected(group, bonds, v);
    let after = group_canonical(group_sum(group_scaled(v, friction_keep), group_noise(group)));
    let d = group_canonical(group_scaled(group_sum(v, after), drift_dt));
    let moved = group_constrained(group, bonds, GroupMotion(d, after), constraint_rate);
    group_keep(group, group_moved(group, places, moved.displacements), moved.velocities);
}

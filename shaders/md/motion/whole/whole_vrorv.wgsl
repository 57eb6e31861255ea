// A step's motion in one pass of the VRORV scheme, after forces and the second half of the last step's kick: the centre's motion off, half a kick, half a drift with
// constraints, the Ornstein-Uhlenbeck step, half a drift with constraints, each followed by a projection, as remove_momentum.wgsl, kick.wgsl, drift.wgsl,
// constrain.wgsl, move_atoms.wgsl, thermostat.wgsl and constrain_velocities.wgsl one after the other.
// One invocation a group. Needs group.wgsl or alone.wgsl and their files, group_noise.wgsl or alone_noise.wgsl, centre.wgsl or centre_none.wgsl.
// `kick_dt`: dt/2, ps. `friction_keep`: see thermostat.wgsl. `constraint_rate`: 2/dt, 1/ps.

override kick_dt: f32;
override friction_keep: f32;
override constraint_rate: f32;

@compute @workgroup_size(64)
fn whole_vrorv(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
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
    let first = group_constrained(group, bonds, GroupMotion(group_canonical(group_scaled(v, kick_dt)), v), constraint_rate);
    let middle = group_moved(group, places, first.displacements);
    let middle_bonds = group_bonds(group, middle);
    v = group_projected(group, middle_bonds, first.velocities);
    v = group_canonical(group_sum(group_scaled(v, friction_keep), group_noise(group)));
    v = group_projected(group, middle_bonds, v);
    let second = group_constrained(group, middle_bonds, GroupMotion(group_canonical(group_scaled(v, kick_dt)), v), constraint_rate);
    let last = group_moved(group, middle, second.displacements);
    group_keep(group, last, group_projected(group, group_bonds(group, last), second.velocities));
}

// Atoms that move together, one invocation for all of them: up to five that share constraints (constraint.wgsl), or one atom alone. No atom is in two groups.
// What belongs to atoms 1 to 4 has a lane each; lanes without an atom repeat atom 0, have no constraint and are never stored. alone.wgsl has the same functions for atoms alone.
// Needs cell.wgsl, canonical.wgsl, constraint.wgsl and moved.wgsl.
// `motion_groups`: by group, four vectors: atoms 1 to 4; atom 0, their number, 1 for a triangle, bits of 1/m of atom 0; bits of L_k^2, nm^2, 0 where there is none;
// bits of 1/m of atoms 1 to 4, 1/u. `forces`: kJ/mol/nm. `velocities`: nm/ps. `positions`: fixed point.
// `fault` 5: a distance is still more than 1e-5 of its length off.

override groups: u32;

@group(0) @binding(0) var<storage, read> motion_groups: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> positions: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

fn canonical4(v: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(), v, abs(v) > vec4<f32>(8.6736174e-19));
}

struct Group {
    arms: vec4<u32>,
    centre: u32,
    // Atoms 1 to 4 that there are.
    count: u32,
    triangle: bool,
    squares: vec4<f32>,
    used: vec4<bool>,
    // 1/u.
    w0: f32,
    w: vec4<f32>,
}

struct GroupPlaces {
    centre: vec3<u32>,
    a: vec3<u32>,
    b: vec3<u32>,
    c: vec3<u32>,
    d: vec3<u32>,
}

struct GroupMotion {
    displacements: ConstraintMembers,
    velocities: ConstraintMembers,
}

fn group_of(index: u32) -> Group {
    let rest = motion_groups[4u * index + 1u];
    let squares = bitcast<vec4<f32>>(motion_groups[4u * index + 2u]);
    return Group(
        motion_groups[4u * index],
        rest.x,
        rest.y,
        rest.z == 1u,
        squares,
        squares > vec4<f32>(),
        bitcast<f32>(rest.w),
        bitcast<vec4<f32>>(motion_groups[4u * index + 3u]),
    );
}

fn group_members(centre: vec3<f32>, a: vec3<f32>, b: vec3<f32>, c: vec3<f32>, d: vec3<f32>) -> ConstraintMembers {
    return ConstraintMembers(
        ConstraintVectors(vec4<f32>(a.x, b.x, c.x, d.x), vec4<f32>(a.y, b.y, c.y, d.y), vec4<f32>(a.z, b.z, c.z, d.z)),
        centre,
    );
}

fn group_velocities(group: Group) -> ConstraintMembers {
    let centre = velocities[group.centre].xyz;
    var c = centre;
    var d = centre;
    if group.count > 2u {
        c = velocities[group.arms.z].xyz;
        d = velocities[group.arms.w].xyz;
    }
    return group_members(centre, velocities[group.arms.x].xyz, velocities[group.arms.y].xyz, c, d);
}

// Forces times 1/m times a time.
fn group_pushes(group: Group, time: f32) -> ConstraintMembers {
    let centre = forces[group.centre].xyz;
    var c = centre;
    var d = centre;
    if group.count > 2u {
        c = forces[group.arms.z].xyz;
        d = forces[group.arms.w].xyz;
    }
    let all = group_members(centre, forces[group.arms.x].xyz, forces[group.arms.y].xyz, c, d);
    let share = time * group.w;
    return ConstraintMembers(
        ConstraintVectors(all.arms.x * share, all.arms.y * share, all.arms.z * share),
        all.centre * (time * group.w0),
    );
}

fn group_places(group: Group) -> GroupPlaces {
    let centre = positions[group.centre].xyz;
    var c = centre;
    var d = centre;
    if group.count > 2u {
        c = positions[group.arms.z].xyz;
        d = positions[group.arms.w].xyz;
    }
    return GroupPlaces(centre, positions[group.arms.x].xyz, positions[group.arms.y].xyz, c, d);
}

fn group_sum(a: ConstraintMembers, b: ConstraintMembers) -> ConstraintMembers {
    return ConstraintMembers(ConstraintVectors(a.arms.x + b.arms.x, a.arms.y + b.arms.y, a.arms.z + b.arms.z), a.centre + b.centre);
}

fn group_scaled(a: ConstraintMembers, factor: f32) -> ConstraintMembers {
    return ConstraintMembers(ConstraintVectors(a.arms.x * factor, a.arms.y * factor, a.arms.z * factor), a.centre * factor);
}

fn group_canonical(a: ConstraintMembers) -> ConstraintMembers {
    return ConstraintMembers(
        ConstraintVectors(canonical4(a.arms.x), canonical4(a.arms.y), canonical4(a.arms.z)),
        canonical3(a.centre),
    );
}

// Velocities without that of the centre of mass; an atom of infinite mass keeps its own.
fn group_without(group: Group, v: ConstraintMembers, drift: vec3<f32>) -> ConstraintMembers {
    let moving = group.w > vec4<f32>();
    return ConstraintMembers(
        ConstraintVectors(
            select(v.arms.x, canonical4(v.arms.x - drift.x), moving),
            select(v.arms.y, canonical4(v.arms.y - drift.y), moving),
            select(v.arms.z, canonical4(v.arms.z - drift.z), moving),
        ),
        select(v.centre, canonical3(v.centre - drift), group.w0 > 0.0),
    );
}

// Vectors of the constraints.
fn group_bonds(group: Group, places: GroupPlaces) -> ConstraintVectors {
    let head = select(places.c, places.b, group.triangle);
    let tail = select(places.centre, places.a, group.triangle);
    return constraint_vectors(
        cell_nm(places.a - places.centre),
        cell_nm(places.b - places.centre),
        cell_nm(head - tail),
        cell_nm(places.d - places.centre),
        group.used,
    );
}

fn group_difference(group: Group, arms: vec4<f32>, centre: f32) -> vec4<f32> {
    let plain = arms - centre;
    let third = select(plain.z, arms.y - arms.x, group.triangle);
    return select(vec4<f32>(), vec4<f32>(plain.xy, third, plain.w), group.used);
}

fn group_differences(group: Group, members: ConstraintMembers) -> ConstraintVectors {
    return ConstraintVectors(
        group_difference(group, members.arms.x, members.centre.x),
        group_difference(group, members.arms.y, members.centre.y),
        group_difference(group, members.arms.z, members.centre.z),
    );
}

// Velocities without what is along constraints.
fn group_projected(group: Group, bonds: ConstraintVectors, v: ConstraintMembers) -> ConstraintMembers {
    let moves = constraint_projection(bonds, group_differences(group, v), group.w0, group.w, group.triangle, group.used);
    return group_canonical(group_sum(v, moves));
}

// Displacements that keep all lengths, and velocities changed by as much times `rate`, 1/ps.
fn group_constrained(group: Group, bonds: ConstraintVectors, free: GroupMotion, rate: f32) -> GroupMotion {
    let e = group_differences(group, free.displacements);
    let solution = constraint_solution(bonds, e, group.squares, group.w0, group.w, group.triangle);
    if !solution.held {
        atomicMax(&fault[0], 5u);
    }
    return GroupMotion(
        group_canonical(group_sum(free.displacements, solution.moves)),
        group_canonical(group_sum(free.velocities, group_scaled(solution.moves, rate))),
    );
}

fn group_moved(group: Group, places: GroupPlaces, d: ConstraintMembers) -> GroupPlaces {
    var third = places.c;
    var fourth = places.d;
    if group.count > 2u {
        third = moved(third, vec3<f32>(d.arms.x.z, d.arms.y.z, d.arms.z.z));
        fourth = moved(fourth, vec3<f32>(d.arms.x.w, d.arms.y.w, d.arms.z.w));
    }
    return GroupPlaces(
        moved(places.centre, d.centre),
        moved(places.a, vec3<f32>(d.arms.x.x, d.arms.y.x, d.arms.z.x)),
        moved(places.b, vec3<f32>(d.arms.x.y, d.arms.y.y, d.arms.z.y)),
        third,
        fourth,
    );
}

fn group_keep_one(tag: u32, place: vec3<u32>, v: vec3<f32>) {
    positions[tag] = vec4<u32>(place, 0u);
    velocities[tag] = vec4<f32>(v, 0.0);
}

fn group_keep(group: Group, places: GroupPlaces, v: ConstraintMembers) {
    group_keep_one(group.centre, places.centre, v.centre);
    if group.count > 0u {
        group_keep_one(group.arms.x, places.a, vec3<f32>(v.arms.x.x, v.arms.y.x, v.arms.z.x));
    }
    if group.count > 1u {
        group_keep_one(group.arms.y, places.b, vec3<f32>(v.arms.x.y, v.arms.y.y, v.arms.z.y));
    }
    if group.count > 2u {
        group_keep_one(group.arms.z, places.c, vec3<f32>(v.arms.x.z, v.arms.y.z, v.arms.z.z));
    }
    if group.count > 3u {
        group_keep_one(group.arms.w, places.d, vec3<f32>(v.arms.x.w, v.arms.y.w, v.arms.z.w));
    }
}

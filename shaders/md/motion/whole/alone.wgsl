// The functions of group.wgsl where no atom shares a constraint: each atom is a group. Needs canonical.wgsl and moved.wgsl.
// `inverse_masses`: 1/u. `forces`: kJ/mol/nm. `velocities`: nm/ps. `positions`: fixed point.

override groups: u32;

@group(0) @binding(0) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(1) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> positions: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

struct Group {
    tag: u32,
    w: f32,
}

struct GroupMotion {
    displacements: vec3<f32>,
    velocities: vec3<f32>,
}

fn group_of(index: u32) -> Group {
    return Group(index, inverse_masses[index]);
}

fn group_velocities(group: Group) -> vec3<f32> {
    return velocities[group.tag].xyz;
}

fn group_pushes(group: Group, time: f32) -> vec3<f32> {
    return forces[group.tag].xyz * (time * group.w);
}

fn group_places(group: Group) -> vec3<u32> {
    return positions[group.tag].xyz;
}

fn group_sum(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
    return a + b;
}

fn group_scaled(a: vec3<f32>, factor: f32) -> vec3<f32> {
    return a * factor;
}

fn group_canonical(a: vec3<f32>) -> vec3<f32> {
    return canonical3(a);
}

fn group_without(group: Group, v: vec3<f32>, drift: vec3<f32>) -> vec3<f32> {
    return select(v, canonical3(v - drift), group.w > 0.0);
}

// There are none.
fn group_bonds(group: Group, places: vec3<u32>) -> u32 {
    return 0u;
}

fn group_projected(group: Group, bonds: u32, v: vec3<f32>) -> vec3<f32> {
    return v;
}

fn group_constrained(group: Group, bonds: u32, free: GroupMotion, rate: f32) -> GroupMotion {
    return free;
}

fn group_moved(group: Group, places: vec3<u32>, d: vec3<f32>) -> vec3<u32> {
    return moved(places, d);
}

fn group_keep(group: Group, places: vec3<u32>, v: vec3<f32>) {
    positions[group.tag] = vec4<u32>(places, 0u);
    velocities[group.tag] = vec4<f32>(v, 0.0);
}

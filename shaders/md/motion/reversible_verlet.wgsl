// A step of leapfrog that can be taken back bit for bit (Levesque and Verlet, J. Stat. Phys. 72, 519, 1993): velocities are integers, `ticks` of 1/16 of a unit of
// position a step; v += round(F dt^2 / m), x += round(v / 16), both roundings odd functions. From x - round(v / 16) and -v, steps lead back the way they came.
// One invocation an atom; an atom of infinite mass (inverse 0) keeps its velocity. Needs cell.wgsl and canonical.wgsl.
// `forces`: kJ/mol/nm. `inverse_masses`: 1/u. `ticks`: 3 integers an atom. `positions`: fixed point. `velocities`: what
// ticks are in nm/ps, for what is observed. `reversible_kick`: 16 dt^2, ps^2. `reversible_speed`: 1 / (16 dt), 1/ps.
// `fault` 2: an atom would move 1/64 of the box or more in one step, or a force is not a number.

override atoms: u32;
override reversible_kick: f32;
override reversible_speed: f32;

@group(0) @binding(0) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(2) var<storage, read_write> ticks: array<i32>;
@group(0) @binding(3) var<storage, read_write> positions: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> fault: array<atomic<u32>>;

// 2^30 ticks are 2^26 units of a position.
const REVERSIBLE_MAX: f32 = 1073741824.0;

// Ticks as 16 times a displacement in nm.
fn reversible_nm(v: vec3<i32>) -> vec3<f32> {
    let d = vec3<f32>(v);
    return vec3<f32>(d.x * cell_ax + (d.y * cell_bx + d.z * cell_cx), d.y * cell_by + d.z * cell_cy, d.z * cell_cz);
}

@compute @workgroup_size(64)
fn reversible_verlet(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let force = forces[tag].xyz;
    let change = cell_units(canonical3(force * (reversible_kick * inverse_masses[tag])));
    let before = vec3<i32>(ticks[3u * tag], ticks[3u * tag + 1u], ticks[3u * tag + 2u]);
    if !all(abs(change) + abs(vec3<f32>(before)) < vec3<f32>(REVERSIBLE_MAX)) {
        atomicMax(&fault[0], 2u);
        return;
    }
    let after = before + vec3<i32>(change + select(vec3<f32>(-0.5), vec3<f32>(0.5), change >= vec3<f32>()));
    for (var axis = 0u; axis < 3u; axis++) {
        ticks[3u * tag + axis] = after[axis];
    }
    // Division cuts towards 0: with half a unit more it rounds, halves away from 0.
    let half = select(vec3<i32>(-8), vec3<i32>(8), after >= vec3<i32>());
    positions[tag] = vec4<u32>(positions[tag].xyz + bitcast<vec3<u32>>((after + half) / 16), 0u);
    velocities[tag] = vec4<f32>(canonical3(reversible_nm(after) * reversible_speed), 0.0);
}

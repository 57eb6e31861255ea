// Takes out of velocities what would change a constrained distance (`constraint_projection`).
// One invocation a group; no atom is in two groups. Needs cell.wgsl, constraint.wgsl and canonical.wgsl.
// `constraint_atoms`: atoms 1 to 4, then atom 0, number of arms, 1 for a triangle. `constraint_squares`: L_k^2, nm^2, 0 where there is none.
// `inverse_masses`: 1/u, by tag. `velocities`: nm/ps.

override constraint_groups: u32;

@group(0) @binding(0) var<storage, read> constraint_atoms: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> constraint_squares: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> velocities: array<vec4<f32>>;

fn constrain_velocity(tag: u32, change: vec3<f32>) {
    velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz + change), 0.0);
}

@compute @workgroup_size(64)
fn constrain_velocities(@builtin(global_invocation_id) id: vec3<u32>) {
    let group = id.x;
    if group >= constraint_groups {
        return;
    }
    let arms = constraint_atoms[2u * group];
    let rest = constraint_atoms[2u * group + 1u];
    let used = constraint_squares[group] > vec4<f32>();
    let triangle = rest.z == 1u;
    let w0 = inverse_masses[rest.x];
    let w = vec4<f32>(inverse_masses[arms.x], inverse_masses[arms.y], inverse_masses[arms.z], inverse_masses[arms.w]);

    // The third constraint's two atoms.
    let tail = select(rest.x, arms.x, triangle);
    let head = select(arms.z, arms.y, triangle);
    let x0 = positions[rest.x].xyz;
    let r = constraint_vectors(
        cell_nm(positions[arms.x].xyz - x0),
        cell_nm(positions[arms.y].xyz - x0),
        cell_nm(positions[head].xyz - positions[tail].xyz),
        cell_nm(positions[arms.w].xyz - x0),
        used,
    );
    let v0 = velocities[rest.x].xyz;
    let start = constraint_vectors(
        velocities[arms.x].xyz - v0,
        velocities[arms.y].xyz - v0,
        velocities[head].xyz - velocities[tail].xyz,
        velocities[arms.w].xyz - v0,
        used,
    );
    let moves = constraint_projection(r, start, w0, w, triangle, used);
    constrain_velocity(rest.x, moves.centre);
    if rest.y > 0u {
        constrain_velocity(arms.x, vec3<f32>(moves.arms.x.x, moves.arms.y.x, moves.arms.z.x));
    }
    if rest.y > 1u {
        constrain_velocity(arms.y, vec3<f32>(moves.arms.x.y, moves.arms.y.y, moves.arms.z.y));
    }
    if rest.y > 2u {
        constrain_velocity(arms.z, vec3<f32>(moves.arms.x.z, moves.arms.y.z, moves.arms.z.z));
    }
    if rest.y > 3u {
        constrain_velocity(arms.w, vec3<f32>(moves.arms.x.w, moves.arms.y.w, moves.arms.z.w));
    }
}

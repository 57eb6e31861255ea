// Forces of springs to points. One invocation a spring. Needs cell.wgsl, restraint.wgsl, force_round.wgsl and force_sums.wgsl.
// `restraint_points`, `restraint_springs`: see restraint.wgsl.

override restraints: u32;

@group(0) @binding(13) var<storage, read> restraint_points: array<vec4<u32>>;
@group(0) @binding(14) var<storage, read> restraint_springs: array<f32>;

fn restraint_forces_of(id: vec3<u32>) {
    if id.x >= restraints {
        return;
    }
    let d = restraint_of(id.x);
    force_add(restraint_points[id.x].w, force_round(d * (-2.0 * restraint_springs[id.x])));
}

@compute @workgroup_size(64)
fn restraint_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    restraint_forces_of(id);
}

// Forces of exceptions and excluded pairs. One invocation a pair. Needs cell.wgsl, exception.wgsl, force_round.wgsl and force_sums.wgsl.
// `exception_atoms`: tags. `exception_parameters`, `ewald_series`: see exception.wgsl.

override exceptions: u32;

@group(0) @binding(0) var<storage, read> exception_atoms: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> exception_parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> ewald_series: array<f32>;

fn exception_forces_of(id: vec3<u32>) {
    if id.x >= exceptions {
        return;
    }
    let atoms = exception_atoms[id.x];
    let r = cell_nm(positions[atoms.y].xyz - positions[atoms.x].xyz);
    let force = force_round(r * exception_push(exception_at(r, id.x)));
    force_add(atoms.y, force);
    force_add(atoms.x, -force);
}

@compute @workgroup_size(64)
fn exception_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    exception_forces_of(id);
}

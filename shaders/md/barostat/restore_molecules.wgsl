// Puts particles back where they were before a move of the volume that was rejected. One invocation a row of `molecule_atoms`; see scale_molecules.wgsl.

override molecule_rows: u32;

@group(0) @binding(0) var<storage, read> molecule_atoms: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> molecule_saved: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> barostat_trial: array<u32>;
@group(0) @binding(3) var<storage, read_write> positions: array<vec4<u32>>;

@compute @workgroup_size(64)
fn restore_molecules(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < molecule_rows && barostat_trial[4] != 0u {
        positions[molecule_atoms[id.x].x] = molecule_saved[id.x];
    }
}

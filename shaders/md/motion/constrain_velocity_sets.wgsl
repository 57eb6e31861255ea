// Takes out of velocities what would change a distance of a large connected set of constraints: RATTLE's second half (Andersen, J. Comput. Phys. 52, 24, 1983),
// one constraint after the other, SET_SWEEPS times over all of them, color by color as in constrain_sets.wgsl. One workgroup a set.
// Needs cell.wgsl, canonical.wgsl and set.wgsl. `velocities`: nm/ps.

@group(0) @binding(0) var<storage, read> set_ranges: array<u32>;
@group(0) @binding(1) var<storage, read> set_rows: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> velocities: array<vec4<f32>>;

@compute @workgroup_size(64)
fn constrain_velocity_sets(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let base = SET_WORDS * group.x;
    for (var sweep = 0u; sweep < SET_SWEEPS; sweep++) {
        for (var color = 0u; color < set_colors; color++) {
            let end = set_ranges[base + 3u + color];
            for (var row = set_ranges[base + 2u + color] + local; row < end; row += SET_INVOCATIONS) {
                let pair = set_rows[row];
                let a = velocities[pair.x].xyz;
                let b = velocities[pair.y].xyz;
                let w = vec2<f32>(inverse_masses[pair.x], inverse_masses[pair.y]);
                let r = cell_nm(positions[pair.y].xyz - positions[pair.x].xyz);
                let along = set_dot(r, b - a);
                let pull = canonical3(r * (along / (set_dot(r, r) * (w.x + w.y))));
                velocities[pair.x] = vec4<f32>(canonical3(a + pull * w.x), 0.0);
                velocities[pair.y] = vec4<f32>(canonical3(b - pull * w.y), 0.0);
            }
            storageBarrier();
        }
    }
}

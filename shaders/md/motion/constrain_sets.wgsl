// Brings the displacements of a step back to where all distances of a large connected set of constraints have their lengths: SHAKE (Ryckaert, Ciccotti and
// Berendsen, J. Comput. Phys. 23, 327, 1977), one constraint after the other, SET_SWEEPS times over all of them, color by color: each correction is a function of
// those before it, whatever the order of invocations. One workgroup a set. Needs cell.wgsl, canonical.wgsl and set.wgsl.
// `displacements`: nm. `velocities`: nm/ps; they change by the change of the displacement / dt. `constraint_rate`: 1/dt of this displacement, 1/ps.
// `fault` 5: a distance is still more than 1e-5 of its length off.

override constraint_rate: f32;

@group(0) @binding(0) var<storage, read> set_ranges: array<u32>;
@group(0) @binding(1) var<storage, read> set_atoms: array<u32>;
@group(0) @binding(2) var<storage, read> set_rows: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> inverse_masses: array<f32>;
@group(0) @binding(4) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> displacements: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> velocities: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn constrain_sets(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let base = SET_WORDS * group.x;
    let first = set_ranges[base];
    let count = set_ranges[base + 1u];
    // The unconstrained displacement is taken off the velocity here, the constrained one added at the end.
    for (var k = local; k < count; k += SET_INVOCATIONS) {
        let tag = set_atoms[first + k];
        velocities[tag] = vec4<f32>(velocities[tag].xyz - displacements[tag].xyz * constraint_rate, 0.0);
    }
    storageBarrier();
    for (var sweep = 0u; sweep < SET_SWEEPS; sweep++) {
        for (var color = 0u; color < set_colors; color++) {
            let end = set_ranges[base + 3u + color];
            for (var row = set_ranges[base + 2u + color] + local; row < end; row += SET_INVOCATIONS) {
                let pair = set_rows[row];
                let a = displacements[pair.x].xyz;
                let b = displacements[pair.y].xyz;
                let w = vec2<f32>(inverse_masses[pair.x], inverse_masses[pair.y]);
                let r = cell_nm(positions[pair.y].xyz - positions[pair.x].xyz);
                let s = r + (b - a);
                let off = bitcast<f32>(pair.z) - set_dot(s, s);
                let pull = r * (0.5 * off / (set_dot(s, r) * (w.x + w.y)));
                displacements[pair.x] = vec4<f32>(a - pull * w.x, 0.0);
                displacements[pair.y] = vec4<f32>(b + pull * w.y, 0.0);
            }
            storageBarrier();
        }
    }
    let end = set_ranges[base + 2u + set_colors];
    for (var row = set_ranges[base + 2u] + local; row < end; row += SET_INVOCATIONS) {
        let pair = set_rows[row];
        let r = cell_nm(positions[pair.y].xyz - positions[pair.x].xyz);
        let s = r + (displacements[pair.y].xyz - displacements[pair.x].xyz);
        let square = bitcast<f32>(pair.z);
        if !(abs(square - set_dot(s, s)) <= 2e-5 * square) {
            atomicMax(&fault[0], 5u);
        }
    }
    storageBarrier();
    for (var k = local; k < count; k += SET_INVOCATIONS) {
        let tag = set_atoms[first + k];
        let held = canonical3(displacements[tag].xyz);
        displacements[tag] = vec4<f32>(held, 0.0);
        velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz + held * constraint_rate), 0.0);
    }
}

// Moves the particles of each molecule as the box's trial scale asks: the molecule's centre, the unweighted mean of its particles, keeps its place as a fraction of the
// box, and offsets from it keep their length, so that as fractions they change by (old - new) / new. Particles are taken in one piece along the
// molecule's bonds, so it may be longer than half the box. One invocation a molecule of two particles or more; the others need no move.
// `molecule_ranges`: first row and number of rows of `molecule_atoms`, whose rows are a tag and the place, within the molecule, of the particle that it hangs on
// (an earlier one). `molecule_offsets`: by row, from the first particle, units of a position. `molecule_saved`: by row, the position before.

override molecules: u32;

@group(0) @binding(0) var<storage, read> molecule_ranges: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> molecule_atoms: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> barostat_trial: array<u32>;
@group(0) @binding(3) var<storage, read_write> positions: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> molecule_offsets: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> molecule_saved: array<vec4<u32>>;

@compute @workgroup_size(64)
fn scale_molecules(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= molecules {
        return;
    }
    let range = molecule_ranges[id.x];
    var sum = vec3<f32>();
    for (var k = 0u; k < range.y; k++) {
        let row = range.x + k;
        let atom = molecule_atoms[row];
        let position = positions[atom.x];
        molecule_saved[row] = position;
        var offset = vec3<f32>();
        if k > 0u {
            let up = range.x + atom.y;
            let link = vec3<f32>(bitcast<vec3<i32>>(position.xyz - molecule_saved[up].xyz));
            offset = molecule_offsets[up].xyz + link;
        }
        molecule_offsets[row] = vec4<f32>(offset, 0.0);
        sum += offset;
    }
    let center = sum / f32(i32(range.y));
    let stretch = bitcast<f32>(barostat_trial[3]);
    for (var k = 0u; k < range.y; k++) {
        let row = range.x + k;
        let units = (molecule_offsets[row].xyz - center) * stretch;
        // No molecule is longer than some boxes: what is no number, or too large, is a fault of the step that made it.
        let kept = select(vec3<f32>(), units, abs(units) < vec3<f32>(1073741824.0));
        let rounded = vec3<i32>(kept + select(vec3<f32>(-0.5), vec3<f32>(0.5), kept >= vec3<f32>()));
        positions[molecule_atoms[row].x] = vec4<u32>(molecule_saved[row].xyz + bitcast<vec3<u32>>(rounded), 0u);
    }
}

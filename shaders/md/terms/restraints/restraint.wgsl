// A spring from an atom to a point: E = k d^2, F = -2 k d, with d from the point's nearest image to the atom.
// Needs cell.wgsl, and bindings `restraint_points: array<vec4<u32>>` (a place in fixed point, the atom's tag), `restraint_springs: array<f32>` (k,
// kJ/mol/nm^2) and `positions: array<vec4<u32>>`.

// From the point to the atom, nm.
fn restraint_of(index: u32) -> vec3<f32> {
    let at = restraint_points[index];
    return cell_nm(positions[at.w].xyz - at.xyz);
}

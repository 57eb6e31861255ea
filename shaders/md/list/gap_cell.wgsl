// Sizes of boxes and gaps between them in a tilted periodic cell. Boxes are parallelepipeds along the cell's vectors; what is compared are the
// upright boxes around them, at the nearest of 27 images, so that a gap may come out smaller than it is, never larger. Needs box.wgsl and cell.wgsl.

// Half of the edges of the upright box around a box, nm. Beyond an eighth of the cell a box reaches everywhere: then one of 27 images would not be enough.
fn box_half_nm(box: vec4<u32>) -> vec3<f32> {
    let units = box_half(box);
    if any(units > vec3<u32>(BOX_WIDE)) {
        return vec3<f32>(1e9);
    }
    let half = vec3<f32>(bitcast<vec3<i32>>(units << vec3<u32>(22u)));
    return vec3<f32>(
        half.x * cell_ax + (half.y * abs(cell_bx) + half.z * abs(cell_cx)),
        half.y * cell_by + half.z * abs(cell_cy),
        half.z * cell_cz,
    );
}

// Square of the least distance between points of two boxes, nm^2, from their centres (fixed point) and half of their edges (nm).
fn box_gap_square(a: vec3<u32>, a_half: vec3<f32>, b: vec3<u32>, b_half: vec3<f32>) -> f32 {
    let d = vec3<f32>(bitcast<vec3<i32>>(a - b));
    let r = vec3<f32>(d.x * cell_ax + (d.y * cell_bx + d.z * cell_cx), d.y * cell_by + d.z * cell_cy, d.z * cell_cz);
    let both = a_half + b_half;
    var least = 1e30;
    for (var image = 0; image < 27; image++) {
        let n = vec3<f32>(vec3<i32>(image / 9 - 1, image / 3 % 3 - 1, image % 3 - 1)) * (2.0 * CELL_HALF);
        let shift = vec3<f32>(n.x * cell_ax + (n.y * cell_bx + n.z * cell_cx), n.y * cell_by + n.z * cell_cy, n.z * cell_cz);
        let between = abs(r + shift) - both;
        let gap = select(vec3<f32>(), between, between > vec3<f32>());
        least = min(least, gap.x * gap.x + gap.y * gap.y + gap.z * gap.z);
    }
    return least;
}

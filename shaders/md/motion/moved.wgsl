// Where a displacement in nm leads: rounded to the nearest unit of a position, which wraps by overflow. Needs cell.wgsl and a binding `fault: array<atomic<u32>>`.
// `fault` 2: an atom would move a quarter of the box or more in one step, or its displacement is not a number; it stays where it is.

fn moved(place: vec3<u32>, displacement: vec3<f32>) -> vec3<u32> {
    let units = cell_units(displacement);
    let fits = all(abs(units) < vec3<f32>(1073741824.0));
    if !fits {
        atomicMax(&fault[0], 2u);
    }
    let kept = select(vec3<f32>(), units, fits);
    return place + bitcast<vec3<u32>>(vec3<i32>(kept + select(vec3<f32>(-0.5), vec3<f32>(0.5), kept >= vec3<f32>())));
}

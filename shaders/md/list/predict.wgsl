// Where a new list takes each atom to be: not where it is, but where it will be at about the middle of the list's life. A list serves until
// an atom is half the skin from there, so an atom first comes closer and then leaves, and the list lives almost twice as long. Any place
// within half the skin would be right; a good one is x + (v + 3/4 a (n + 1) dt) n dt, `lead` n steps on. (1/2 would be the place after n steps,
// 1 the middle of the way to the place after 2 n.) At the start of a segment forces are not known yet, and zero.
// `kinds`: by type, (dt / m, m), ps/u and u. `push`: 3/4 (n + 1). `lead2`: square of the furthest
// lead, nm^2, a little under half the skin. `ahead`: that place (fixed point), type, plus 2^31 if it has more than a charge; by tag. `exclusions`: see half_neighbors.wgsl.
// `outer_moved2` and `outer_needed[0]`: see follow.wgsl. Needs canonical.wgsl, cell_box.wgsl and lead_box.wgsl.

override atoms: u32;
override push: f32;
override lead2: f32;
override outer_moved2: f32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> velocities: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> types: array<u32>;
@group(0) @binding(4) var<storage, read> kinds: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> ahead: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> outer_needed: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> exclusions: array<vec4<u32>>;

@compute @workgroup_size(64)
fn predict(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let kind = types[tag];
    let v = canonical3(velocities[tag].xyz + canonical3(forces[tag].xyz) * (push * kinds[kind].x));
    var move_ = lead_units(v);
    // Such a displacement is a fault of the step that makes it; the list only must not wrap.
    if !all(abs(move_) < vec3<f32>(1073741824.0)) {
        move_ = vec3<f32>();
    }
    var whole = vec3<i32>(move_);
    let d = cell_nm(bitcast<vec3<u32>>(whole));
    let square = d.x * d.x + d.y * d.y + d.z * d.z;
    if square > lead2 {
        whole = vec3<i32>(move_ * sqrt(lead2 / square));
    }
    if square > outer_moved2 {
        atomicMax(&outer_needed[0], 1u);
    }
    ahead[tag] = vec4<u32>(positions[tag].xyz + bitcast<vec3<u32>>(whole), kind | (exclusions[tag].w & 0x80000000u));
}

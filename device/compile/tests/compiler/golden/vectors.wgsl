struct Atom { position: vec3<f32>, kind: u32 }
@group(0) @binding(0) var<storage, read> atoms: array<Atom>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let mine = atoms[id.x];
    let other = atoms[mine.kind];
    let d = mine.position - other.position;
    let turn = mat3x3<f32>(d, d.zxy, d.yzx);
    out[id.x] = vec4<f32>(turn * d, dot(d, d));
}

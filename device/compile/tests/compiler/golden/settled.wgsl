const SMALL: bool = true;
var<workgroup> part: array<f32, 64>;
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> b: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) l: u32) {
    if SMALL {
        part[l] = a[l] * a[l];
    } else {
        part[l] = sin(a[l]);
    }
    workgroupBarrier();
    b[l] = bitcast<u32>(part[63u - l]);
}

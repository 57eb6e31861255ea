// Lennard-Jones forces, cut off and not shifted, on the four atoms of a cluster:
// F = (48 eps (sigma/r)^12 - 24 eps (sigma/r)^6) / r^2 * r, kJ/mol/nm. Every pair of two clusters is computed for both sides, apart,
// in sorted order, so that each sum has one order and waits for nobody. Pairs beyond the cutoff add exact zeros: bits do not
// depend on when the list was built. Needs list.wgsl, reciprocal.wgsl, pair_cube.wgsl or pair_box.wgsl, and lj_force_one.wgsl or lj_force_table.wgsl.
// `sorted`: position (fixed point), type. `origin`: tag in w. `forces`: kJ/mol/nm, by tag.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> list: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> forces: array<vec4<f32>>;

fn lj_forces_scaled(r: vec3<f32>, i2: f32, type_a: u32, type_b: u32) -> vec3<f32> {
    let i6 = i2 * i2 * i2;
    let c = lj_force(type_a, type_b);
    return r * (i6 * (c.y * i6 - c.x) * i2);
}

fn lj_forces_pair(a: vec4<u32>, b: vec4<u32>) -> vec3<f32> {
    let pair = pair_of(a.xyz, b.xyz);
    return lj_forces_scaled(pair.r, pair.i2, a.w, b.w);
}

// A pair inside the cluster; slots past the last atom do not count.
fn lj_forces_own(a: vec4<u32>, b: vec4<u32>, present: bool) -> vec3<f32> {
    let pair = pair_of(a.xyz, b.xyz);
    return lj_forces_scaled(pair.r, select(0.0, pair.i2, present), a.w, b.w);
}

fn lj_forces_keep(slot: u32, force: vec3<f32>) {
    let tag = origin[slot].w;
    if tag < atoms {
        forces[tag] = vec4<f32>(force, 0.0);
    }
}

@compute @workgroup_size(64)
fn lj_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let own = id.x;
    if own >= clusters {
        return;
    }
    let first = 4u * own;
    let x0 = sorted[first + 0u];
    let x1 = sorted[first + 1u];
    let x2 = sorted[first + 2u];
    let x3 = sorted[first + 3u];
    let f01 = lj_forces_own(x0, x1, first + 1u < atoms);
    let f02 = lj_forces_own(x0, x2, first + 2u < atoms);
    let f03 = lj_forces_own(x0, x3, first + 3u < atoms);
    let f12 = lj_forces_own(x1, x2, first + 2u < atoms);
    let f13 = lj_forces_own(x1, x3, first + 3u < atoms);
    let f23 = lj_forces_own(x2, x3, first + 3u < atoms);
    var f0 = f01 + f02 + f03;
    var f1 = f12 + f13 - f01;
    var f2 = f23 - f02 - f12;
    var f3 = -f03 - f13 - f23;
    let count = counts[own];
    let start = list_first(own);
    for (var k = 0u; k < count; k++) {
        let y = sorted[list[start + 64u * k]];
        f0 += lj_forces_pair(x0, y);
        f1 += lj_forces_pair(x1, y);
        f2 += lj_forces_pair(x2, y);
        f3 += lj_forces_pair(x3, y);
    }
    lj_forces_keep(first + 0u, f0);
    lj_forces_keep(first + 1u, f1);
    lj_forces_keep(first + 2u, f2);
    lj_forces_keep(first + 3u, f3);
}

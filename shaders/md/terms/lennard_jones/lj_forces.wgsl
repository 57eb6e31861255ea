// Lennard-Jones forces, cut off and not shifted, on the four atoms of a cluster:
// F = (48 eps (sigma/r)^12 - 24 eps (sigma/r)^6) / r^2 * r, kJ/mol/nm. Every pair of two clusters is computed for both sides, apart,
// so that each sum has one order and waits for nobody. Pairs beyond the cutoff add exact zeros.
// Needs list.wgsl, pair_cube.wgsl or pair_box.wgsl, and lj_force_one.wgsl or lj_force_table.wgsl.
// `sorted`: position (fixed point), type. `origin`: tag in w. `counts`: near and far neighbors. `forces`: kJ/mol/nm, by tag.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> list: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> forces: array<vec4<f32>>;

fn lj_forces_of(pair: Pair, type_a: u32, type_b: u32) -> vec3<f32> {
    let i4 = pair.i2 * pair.i2;
    let c = lj_force(type_a, type_b);
    return pair.r * ((i4 * i4) * (c.y * (i4 * pair.i2) - c.x));
}

fn lj_forces_near(a: vec4<u32>, b: vec4<u32>) -> vec3<f32> {
    return lj_forces_of(pair_near(pair_place(a.xyz), pair_place(b.xyz)), a.w, b.w);
}

fn lj_forces_far(a: vec4<u32>, b: vec4<u32>) -> vec3<f32> {
    return lj_forces_of(pair_far(a.xyz, b.xyz), a.w, b.w);
}

// A pair inside the cluster; slots past the last atom do not count.
fn lj_forces_own(a: vec4<u32>, b: vec4<u32>, present: bool) -> vec3<f32> {
    let pair = pair_near(pair_place(a.xyz), pair_place(b.xyz));
    return lj_forces_of(Pair(pair.r, select(0.0, pair.i2, present)), a.w, b.w);
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
    // The next neighbor is fetched while this one is computed.
    var next = sorted[list[list_near(own, 0u)]];
    for (var k = 0u; k < count.x; k++) {
        let y = next;
        next = sorted[list[list_near(own, k + 1u)]];
        f0 += lj_forces_near(x0, y);
        f1 += lj_forces_near(x1, y);
        f2 += lj_forces_near(x2, y);
        f3 += lj_forces_near(x3, y);
    }
    // Apart, so that many small ones are not rounded to the last place of few large ones.
    var g0 = vec3<f32>();
    var g1 = vec3<f32>();
    var g2 = vec3<f32>();
    var g3 = vec3<f32>();
    next = sorted[list[list_far(own, 0u)]];
    for (var k = 0u; k < count.y; k++) {
        let y = next;
        next = sorted[list[list_far(own, k + 1u)]];
        g0 += lj_forces_far(x0, y);
        g1 += lj_forces_far(x1, y);
        g2 += lj_forces_far(x2, y);
        g3 += lj_forces_far(x3, y);
    }
    lj_forces_keep(first + 0u, f0 + g0);
    lj_forces_keep(first + 1u, f1 + g1);
    lj_forces_keep(first + 2u, f2 + g2);
    lj_forces_keep(first + 3u, f3 + g3);
}

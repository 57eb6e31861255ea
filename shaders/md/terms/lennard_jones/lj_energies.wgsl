// Lennard-Jones energy and virial, summed over the 64 clusters of a workgroup: u = 4 eps ((sigma/r)^12 - (sigma/r)^6) within the
// cutoff, virial r . F, kJ/mol, half of each pair for each of its atoms. f32 for one atom, 64-bit fixed point from there on.
// `pair_sums`: for each workgroup energy, energy at the cutoff times pairs within it, virial.
// `fault` 3: an atom's share is out of range. Needs list.wgsl, pair_cube.wgsl or pair_box.wgsl, fixed64.wgsl, and lj_energy_one.wgsl or lj_energy_table.wgsl.

override atoms: u32;
override clusters: u32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> pair_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

var<workgroup> lj_energies_tree: array<vec2<u32>, 64>;

// (energy, energy at the cutoff, virial)
fn lj_energies_of(i2: f32, type_a: u32, type_b: u32) -> vec3<f32> {
    let i6 = i2 * i2 * i2;
    let c = lj_energy(type_a, type_b);
    let repulsion = c.y * i6 * i6;
    let attraction = c.x * i6;
    return vec3<f32>(repulsion - attraction, select(0.0, c.z, i2 > 0.0), 12.0 * repulsion - 6.0 * attraction);
}

fn lj_energies_near(a: vec4<u32>, b: vec4<u32>) -> vec3<f32> {
    return lj_energies_of(pair_near(pair_place(a.xyz), pair_place(b.xyz)).i2, a.w, b.w);
}

fn lj_energies_far(a: vec4<u32>, b: vec4<u32>) -> vec3<f32> {
    return lj_energies_of(pair_far(a.xyz, b.xyz).i2, a.w, b.w);
}

fn lj_energies_own(a: vec4<u32>, b: vec4<u32>, present: bool) -> vec3<f32> {
    return lj_energies_of(select(0.0, pair_near(pair_place(a.xyz), pair_place(b.xyz)).i2, present), a.w, b.w);
}

// An atom's share, half of each pair, onto the invocation's sums.
fn lj_energies_add(sums: ptr<function, array<vec2<u32>, 3>>, twice: vec3<f32>, present: bool) {
    let one = select(vec3<f32>(), 0.5 * twice, present);
    if !(fixed64_fits(one.x) && fixed64_fits(one.y) && fixed64_fits(one.z)) {
        atomicMax(&fault[0], 3u);
    }
    (*sums)[0] = fixed64_add((*sums)[0], fixed64_of(one.x));
    (*sums)[1] = fixed64_add((*sums)[1], fixed64_of(one.y));
    (*sums)[2] = fixed64_add((*sums)[2], fixed64_of(one.z));
}

@compute @workgroup_size(64)
fn lj_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let own = id.x;
    var sums: array<vec2<u32>, 3>;
    if own < clusters {
        let first = 4u * own;
        let x0 = sorted[first + 0u];
        let x1 = sorted[first + 1u];
        let x2 = sorted[first + 2u];
        let x3 = sorted[first + 3u];
        let e01 = lj_energies_own(x0, x1, first + 1u < atoms);
        let e02 = lj_energies_own(x0, x2, first + 2u < atoms);
        let e03 = lj_energies_own(x0, x3, first + 3u < atoms);
        let e12 = lj_energies_own(x1, x2, first + 2u < atoms);
        let e13 = lj_energies_own(x1, x3, first + 3u < atoms);
        let e23 = lj_energies_own(x2, x3, first + 3u < atoms);
        var e0 = e01 + e02 + e03;
        var e1 = e01 + e12 + e13;
        var e2 = e02 + e12 + e23;
        var e3 = e03 + e13 + e23;
        let count = counts[own];
        for (var k = 0u; k < count.x; k++) {
            let y = sorted[list[list_near(own, k)]];
            e0 += lj_energies_near(x0, y);
            e1 += lj_energies_near(x1, y);
            e2 += lj_energies_near(x2, y);
            e3 += lj_energies_near(x3, y);
        }
        for (var k = 0u; k < count.y; k++) {
            let y = sorted[list[list_far(own, k)]];
            e0 += lj_energies_far(x0, y);
            e1 += lj_energies_far(x1, y);
            e2 += lj_energies_far(x2, y);
            e3 += lj_energies_far(x3, y);
        }
        lj_energies_add(&sums, e0, first + 0u < atoms);
        lj_energies_add(&sums, e1, first + 1u < atoms);
        lj_energies_add(&sums, e2, first + 2u < atoms);
        lj_energies_add(&sums, e3, first + 3u < atoms);
    }
    for (var q = 0u; q < 3u; q++) {
        lj_energies_tree[local] = sums[q];
        workgroupBarrier();
        for (var reach = 32u; reach > 0u; reach >>= 1u) {
            if local < reach {
                lj_energies_tree[local] = fixed64_add(lj_energies_tree[local], lj_energies_tree[local + reach]);
            }
            workgroupBarrier();
        }
        if local == 0u {
            pair_sums[group.x * 3u + q] = lj_energies_tree[0];
        }
    }
}

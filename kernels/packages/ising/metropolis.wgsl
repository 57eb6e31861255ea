// One half of a sweep of the 2-D Ising model: every site of one colour of the checkerboard is offered a flip.
//
// Energy: E = -J sum over neighbouring pairs of s_i s_j, s = +1 or -1, periodic in both directions. A flip changes it by
// dE = 2 J s_i (sum of the four neighbours) and is accepted with probability min(1, exp(-dE / kT)):
// Metropolis et al., J. Chem. Phys. 21, 1087 (1953). A site's neighbours all have the other colour, which nobody writes
// in this pass, so the order of sites does not matter.
// Random: word x of threefry2x32(counter = (site, step low), key = (seed, step high)); needs threefry.wgsl.
// Bindings: 0 spins (i32, [height, width]), 1 acceptance (u32, [5]: threshold for dE = 4 (k - 2) J), 2 clock.

override width: u32;
override height: u32;
override half: u32;
override seed: u32;
override colour: u32;

@group(0) @binding(0) var<storage, read_write> spins: array<i32>;
@group(0) @binding(1) var<storage, read> acceptance: array<u32>;
@group(0) @binding(2) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(32, 8)
fn metropolis(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= half || id.y >= height {
        return;
    }
    let y = id.y;
    let x = 2u * id.x + ((y + colour) & 1u);
    let west = select(x - 1u, width - 1u, x == 0u);
    let east = select(x + 1u, 0u, x == width - 1u);
    let north = select(y - 1u, height - 1u, y == 0u);
    let south = select(y + 1u, 0u, y == height - 1u);

    let site = y * width + x;
    let spin = spins[site];
    let around = spins[y * width + west] + spins[y * width + east] + spins[north * width + x] + spins[south * width + x];
    let k = u32(spin * around + 4) / 2u;
    let word = threefry2x32(vec2<u32>(site, clock.x), vec2<u32>(seed, clock.y)).x;
    if word <= acceptance[k] {
        spins[site] = -spin;
    }
}

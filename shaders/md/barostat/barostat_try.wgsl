// Proposes another volume (Åqvist, Wennerström, Nervall, Bjelic and Brandsdal, Chem. Phys. Lett. 384, 288, 2004), as OpenMM's MonteCarloBarostat:
//   V' = V + q (2 u - 1), with u uniform in (0, 1) and q = `barostat_size`; all edges are multiplied by (V' / V)^(1/3).
// `box_scale` becomes that of the trial; `barostat_trial` keeps what the decision needs. Volumes are in units of the reference box's: V = s^3 with the scale s.
// A trial of less than half or more than twice the volume is not looked at, which treats a move and its reverse alike: clamping such a change instead would not.
// `barostat_least`: the least scale at which the neighbor list still reaches far enough. `trial_fault`: becomes 0, or 1 for a trial that is to be rejected.
// `fault` 10: the box is smaller than `barostat_least`.
// Needs threefry.wgsl, fixed64.wgsl and barostat.wgsl.

override barostat_least: f32;

@group(0) @binding(0) var<storage, read> energy_slots: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> energy_weights: array<i32>;
@group(0) @binding(2) var<storage, read> barostat_size: array<f32>;
@group(0) @binding(3) var<storage, read_write> box_scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> barostat_trial: array<u32>;
@group(0) @binding(5) var<storage, read_write> trial_fault: array<u32>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;
@group(0) @binding(7) var<uniform> clock: vec4<u32>;

// (1 + x)^(1/3) for -1/2 <= x <= 1: Newton's method, three times from the series; the last step changes nothing beyond f32.
fn barostat_cube_root(x: f32) -> f32 {
    var y = 1.0 + x * (1.0 / 3.0) - x * x * (1.0 / 9.0);
    for (var k = 0; k < 3; k++) {
        y -= (y * y * y - (1.0 + x)) / (3.0 * y * y);
    }
    return y;
}

@compute @workgroup_size(1)
fn barostat_try() {
    let before = barostat_potential();
    let old = box_scale[0];
    // In (-1, 1): a word as a signed number, at the middle of its interval.
    let place = (f32(bitcast<i32>(barostat_words().x ^ 0x80000000u)) + 0.5) * 4.656613e-10;
    let change = barostat_size[0] * place / (old * old * old);
    let within = (change >= -0.5) & (change <= 1.0);
    var scale = select(old, old * barostat_cube_root(clamp(change, -0.5, 1.0)), within);
    if !(scale >= barostat_least) {
        atomicMax(&fault[0], 10u);
        scale = old;
    }
    box_scale[0] = scale;
    barostat_trial[0] = before.x;
    barostat_trial[1] = before.y;
    barostat_trial[2] = bitcast<u32>(old);
    barostat_trial[3] = bitcast<u32>((old - scale) / scale);
    barostat_trial[4] = 0u;
    trial_fault[0] = select(1u, 0u, within);
}

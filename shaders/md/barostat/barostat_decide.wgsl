// Decides about the volume that barostat_try.wgsl proposed, as OpenMM's MonteCarloBarostat:
//   w = E' - E + P (V' - V) - N kT ln(V' / V); accepted if w <= 0 or u < exp(-w / kT).
// After ten tries or more since the last change, less than a quarter of them accepted: moves become 1.1 times smaller; more than three quarters: 1.1 times larger, up to 0.3 of the
// volume. What depends on the scales s, s' is computed from their difference, so that nothing cancels: V' - V = (s' - s)(s'^2 + s' s + s^2) and
// ln(V' / V) = 6 artanh((s' - s) / (s' + s)).
// `barostat_work`: P V_0, kJ/mol, with the reference box's volume. `barostat_bath`: N kT, kJ/mol. `barostat_rate`: 1 / kT, mol/kJ.
// `barostat_size`: the largest change of volume, in V_0. `barostat_counts`: tries and accepted ones since the last change of size, then all. `trial_fault`: not 0
// if the trial is to be rejected whatever its energy, or some energy of it is out of range. Needs threefry.wgsl, fixed64.wgsl and barostat.wgsl.

override barostat_work: f32;
override barostat_bath: f32;
override barostat_rate: f32;

@group(0) @binding(0) var<storage, read> energy_slots: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> energy_weights: array<i32>;
@group(0) @binding(2) var<storage, read> trial_fault: array<u32>;
@group(0) @binding(3) var<storage, read_write> box_scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> barostat_trial: array<u32>;
@group(0) @binding(5) var<storage, read_write> barostat_size: array<f32>;
@group(0) @binding(6) var<storage, read_write> barostat_counts: array<u32>;
@group(0) @binding(7) var<uniform> clock: vec4<u32>;

// A difference of energies, kJ/mol.
fn barostat_difference(after: vec2<u32>, before: vec2<u32>) -> f32 {
    let d = fixed64_sub(after, before);
    let negative = bitcast<i32>(d.y) < 0;
    let size = select(d, fixed64_sub(vec2<u32>(), d), negative);
    let value = f32(bitcast<i32>(size.y)) + f32(bitcast<i32>(size.x >> 8u)) * 5.9604645e-8;
    return select(value, -value, negative);
}

@compute @workgroup_size(1)
fn barostat_decide() {
    let old = bitcast<f32>(barostat_trial[2]);
    let scale = box_scale[0];
    let before = vec2<u32>(barostat_trial[0], barostat_trial[1]);
    let energy = barostat_difference(barostat_potential(), before);
    let wider = scale - old;
    let work = barostat_work * (wider * (scale * scale + scale * old + old * old));
    let z = wider / (scale + old);
    let z2 = z * z;
    let logarithm = 6.0 * (z + z * z2 * (1.0 / 3.0 + z2 * (0.2 + z2 * (1.0 / 7.0 + z2 * (1.0 / 9.0)))));
    let w = ((energy + work) - barostat_bath * logarithm) * barostat_rate;
    // In (0, 1).
    let u = (f32(bitcast<i32>(barostat_words().y >> 8u)) + 0.5) * 5.9604645e-8;
    // Below exp(-20) there is no u.
    let accepted = (trial_fault[0] == 0u) & ((w <= 0.0) | ((w < 20.0) & (u < exp(-clamp(w, 0.0, 20.0)))));
    if !accepted {
        box_scale[0] = old;
        barostat_trial[4] = 1u;
    }

    let one = u32(accepted);
    var tries = barostat_counts[0] + 1u;
    var successes = barostat_counts[1] + one;
    let size = barostat_size[0];
    if tries >= 10u {
        if 4u * successes < tries {
            barostat_size[0] = size / 1.1;
            tries = 0u;
            successes = 0u;
        } else if 4u * successes > 3u * tries {
            barostat_size[0] = min(size * 1.1, 0.3 * (old * old * old));
            tries = 0u;
            successes = 0u;
        }
    }
    barostat_counts[0] = tries;
    barostat_counts[1] = successes;
    barostat_counts[2] += 1u;
    barostat_counts[3] += one;
}

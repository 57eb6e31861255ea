// An energy that goes by the inverse volume of a box that is part of the state (dispersion beyond the cutoff, the background of a net charge): E = E_0 / s^3 with the
// box's scale s. `volume_energy_0`: E_0, that in the reference box, kJ/mol. `volume_sums`: E, 64-bit fixed point. `fault` 3: out of range. Needs fixed64.wgsl.

override volume_energy_0: f32;

@group(0) @binding(0) var<storage, read> box_scale: array<f32>;
@group(0) @binding(1) var<storage, read_write> volume_sums: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(1)
fn volume_energy() {
    let s = box_scale[0];
    let energy = volume_energy_0 / (s * s * s);
    if !fixed64_fits(energy) {
        atomicMax(&fault[0], 3u);
    }
    volume_sums[0] = fixed64_of(energy);
}

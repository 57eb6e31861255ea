// Noise of an atom alone. Needs alone.wgsl and noise.wgsl.

fn group_noise(group: Group) -> vec3<f32> {
    return noise_of(group.tag, noise_key());
}

// Noise of a group's atoms. Needs group.wgsl and noise.wgsl.

fn group_noise(group: Group) -> ConstraintMembers {
    let key = noise_key();
    var a = vec3<f32>();
    var b = vec3<f32>();
    var c = vec3<f32>();
    var d = vec3<f32>();
    if group.count > 0u {
        a = noise_of(group.arms.x, key);
    }
    if group.count > 1u {
        b = noise_of(group.arms.y, key);
    }
    if group.count > 2u {
        c = noise_of(group.arms.z, key);
    }
    if group.count > 3u {
        d = noise_of(group.arms.w, key);
    }
    return group_members(noise_of(group.centre, key), a, b, c, d);
}

// centre.wgsl where the motion of the centre of mass stays, or was removed by a pass of its own.

const CENTRE_MOVES: bool = false;

fn centre_velocity(local: u32) -> vec3<f32> {
    return vec3<f32>();
}

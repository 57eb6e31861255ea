// f12 and f6 with CHARMM's force switch (Steinbach and Brooks, J. Comput. Chem. 15, 667, 1994), from a = `force_switch_on` to b = `force_switch_off`, nm:
//   f12 = b^6 / (b^6 - a^6) (r^-6 - b^-6)^2, f6 = b^3 / (b^3 - a^3) (r^-3 - b^-3)^2; within a, r^-12 - (a b)^-6 and r^-6 - (a b)^-3; beyond b, 0.
// `force_switch_12`, `force_switch_6`: the factors; `force_switch_inner_12`, `_6`: (a b)^-6, (a b)^-3; `force_switch_outer_6`, `_3`: b^-6, b^-3.

override force_switch_on: f32;
override force_switch_off: f32;
override force_switch_12: f32;
override force_switch_6: f32;
override force_switch_inner_12: f32;
override force_switch_inner_6: f32;
override force_switch_outer_6: f32;
override force_switch_outer_3: f32;

fn custom_powers(g: PairGeometry) -> CustomPowers {
    let i2 = g.inverse * g.inverse;
    let i3 = i2 * g.inverse;
    let i6 = i3 * i3;
    let i12 = i6 * i6;
    let distance = g.square * g.inverse;
    let x6 = i6 - force_switch_outer_6;
    let x3 = i3 - force_switch_outer_3;
    let outer = vec4<f32>(
        force_switch_12 * x6 * x6,
        12.0 * force_switch_12 * x6 * i6 * i2,
        force_switch_6 * x3 * x3,
        6.0 * force_switch_6 * x3 * i3 * i2,
    );
    let inner = vec4<f32>(i12 - force_switch_inner_12, 12.0 * i12 * i2, i6 - force_switch_inner_6, 6.0 * i6 * i2);
    let switched = select(outer, vec4<f32>(), distance > force_switch_off);
    let f = select(switched, inner, distance <= force_switch_on);
    return CustomPowers(f.x, f.y, f.z, f.w);
}

// f12 = r^-12 and f6 = r^-6 of a pair potential by tables of types.

fn custom_powers(g: PairGeometry) -> CustomPowers {
    let i2 = g.inverse * g.inverse;
    let i6 = i2 * i2 * i2;
    let i12 = i6 * i6;
    return CustomPowers(i12, 12.0 * i12 * i2, i6, 6.0 * i6 * i2);
}

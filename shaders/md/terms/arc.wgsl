// The angle of a point (x, y), atan2(y, x), in + - * and one division: WGSL leaves a driver's own atan2 4096 units of the last place, and llvmpipe takes
// hundreds of them, which forces would show. Polynomial: shaders/strict/arc.wgsl, within 2 units of the last place; 0 at the origin. Bindings: none.

fn arc_of(y: f32, x: f32) -> f32 {
    let height = abs(y);
    let width = abs(x);
    let steep = width < height;
    let small = select(height, width, steep);
    let large = select(width, height, steep);
    let t = small / select(large, 1.0, large == 0.0);
    let z = t * t;
    let high = (((0.0014886919 * z - 0.009144629) * z + 0.026305001) * z - 0.048960514) * z + 0.070319146;
    let p = ((((high * z - 0.08931827) * z + 0.11088262) * z - 0.14284004) * z + 0.1999995) * z - 0.33333334;
    // The powers by z first: t^3 could underflow.
    let angle = t + t * (p * z);
    // pi / 2 and pi in two parts.
    let turned = select(angle, 1.5707964 - (angle + 4.371139e-8), steep);
    let whole = select(turned, 3.1415927 - (turned + 8.742278e-8), x < 0.0);
    return select(whole, -whole, y < 0.0);
}

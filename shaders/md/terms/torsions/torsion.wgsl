// The geometry of four atoms: cosine and sine of the torsion phi about the axis from atom 1 to atom 2, and forces from dE/dphi. No angle is
// computed. v0 = r1 - r0, v1 = r2 - r1, v2 = r3 - r2 in a row; with OpenMM's signs a = r0 - r1, b = r2 - r1, c = r2 - r3, m = a x b, n = b x c:
// cos phi = m . n / (|m| |n|), sin phi = |b| a . n / (|m| |n|) (Blondel and Karplus, J. Comput. Chem. 17, 1132, 1996).
// Where three atoms are collinear the torsion is undefined: cosine 1, sine 0, no force. Bindings: none. Needs cell.wgsl.

struct Torsion {
    cosine: f32,
    sine: f32,
    // dphi/dr of the outer atoms, 1/nm, with the sign of forces: F_0 = dE/dphi first, F_3 = dE/dphi last.
    first: vec3<f32>,
    last: vec3<f32>,
    // Shares of the outer forces that atoms 1 and 2 hand over: F_1 = s - F_0, F_2 = -s - F_3, s = shares.x F_0 - shares.y F_3.
    shares: vec2<f32>,
}

fn torsion_of(x0: vec3<u32>, x1: vec3<u32>, x2: vec3<u32>, x3: vec3<u32>) -> Torsion {
    let a = cell_nm(x0 - x1);
    let b = cell_nm(x2 - x1);
    let c = cell_nm(x2 - x3);
    let m = cross(a, b);
    let n = cross(b, c);
    let mm = dot(m, m);
    let nn = dot(n, n);
    let bb = dot(b, b);
    // Squares of areas, nm^4: a thousandth of a degree between bonds of 0.1 nm gives 3e-14.
    if !(mm > 1e-15 && nn > 1e-15) {
        return Torsion(1.0, 0.0, vec3<f32>(), vec3<f32>(), vec2<f32>());
    }
    let length = sqrt(bb);
    let scale = 1.0 / (sqrt(mm) * sqrt(nn));
    return Torsion(
        dot(m, n) * scale,
        length * dot(a, n) * scale,
        m * (-length / mm),
        n * (length / nn),
        vec2<f32>(dot(a, b), dot(c, b)) * (1.0 / bb),
    );
}

// Energy, kJ/mol, and dE/dphi, kJ/mol/rad: what a kind's `torsion_value` gives.
struct TorsionValue {
    energy: f32,
    slope: f32,
}

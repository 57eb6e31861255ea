// Up to four distance constraints that share atoms, as one system of equations. Bindings: none. Needs cell.wgsl.
//
// A star holds atoms 1 to 4 at fixed distances from atom 0: r_k = x_k - x_0. A triangle holds three atoms at fixed distances from each other:
// r_1 = x_1 - x_0, r_2 = x_2 - x_0, r_3 = x_2 - x_1. A constraint's multiplier l_k moves its two atoms along r_k, by their inverse masses w,
// which changes r_k by sum_l C_kl l_l r_l: `couplings` are the columns of C. Vectors are kept by component, one lane a constraint.
// Lanes without a constraint have length 0, r = 0 and a 1 on the diagonal of the matrix, so that their multiplier is 0.

struct ConstraintVectors {
    x: vec4<f32>,
    y: vec4<f32>,
    z: vec4<f32>,
}

struct ConstraintMatrix {
    c0: vec4<f32>,
    c1: vec4<f32>,
    c2: vec4<f32>,
    c3: vec4<f32>,
}

fn constraint_vectors(a: vec3<f32>, b: vec3<f32>, c: vec3<f32>, d: vec3<f32>, used: vec4<bool>) -> ConstraintVectors {
    return ConstraintVectors(
        select(vec4<f32>(), vec4<f32>(a.x, b.x, c.x, d.x), used),
        select(vec4<f32>(), vec4<f32>(a.y, b.y, c.y, d.y), used),
        select(vec4<f32>(), vec4<f32>(a.z, b.z, c.z, d.z), used),
    );
}

// w0: inverse mass of atom 0, w: of atoms 1 to 4, 1/u.
fn constraint_couplings(w0: f32, w: vec4<f32>, triangle: bool, used: vec4<bool>) -> ConstraintMatrix {
    if triangle {
        return ConstraintMatrix(
            vec4<f32>(w0 + w.x, w0, -w.x, 0.0),
            vec4<f32>(w0, w0 + w.y, w.y, 0.0),
            vec4<f32>(-w.x, w.y, w.x + w.y, 0.0),
            vec4<f32>(),
        );
    }
    // Lanes without a constraint are coupled to nothing: their vectors stay 0.
    let rows = select(vec4<f32>(), vec4<f32>(w0), used);
    let own = select(vec4<f32>(), w, used);
    return ConstraintMatrix(
        rows + vec4<f32>(own.x, 0.0, 0.0, 0.0),
        rows + vec4<f32>(0.0, own.y, 0.0, 0.0),
        rows + vec4<f32>(0.0, 0.0, own.z, 0.0),
        rows + vec4<f32>(0.0, 0.0, 0.0, own.w),
    );
}

fn constraint_apply(m: ConstraintMatrix, v: vec4<f32>) -> vec4<f32> {
    return (m.c0 * v.x + m.c1 * v.y) + (m.c2 * v.z + m.c3 * v.w);
}

// Scalar products, lane by lane.
fn constraint_dot(a: ConstraintVectors, b: ConstraintVectors) -> vec4<f32> {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

// l_k r_k.
fn constraint_scaled(r: ConstraintVectors, l: vec4<f32>) -> ConstraintVectors {
    return ConstraintVectors(r.x * l, r.y * l, r.z * l);
}

// J_kl = C_kl s_k . r_l, and 1 on the diagonal of lanes without a constraint.
fn constraint_jacobian(c: ConstraintMatrix, s: ConstraintVectors, r: ConstraintVectors, used: vec4<bool>) -> ConstraintMatrix {
    let free = select(vec4<f32>(1.0), vec4<f32>(), used);
    return ConstraintMatrix(
        c.c0 * (s.x * r.x.x + s.y * r.y.x + s.z * r.z.x) + vec4<f32>(free.x, 0.0, 0.0, 0.0),
        c.c1 * (s.x * r.x.y + s.y * r.y.y + s.z * r.z.y) + vec4<f32>(0.0, free.y, 0.0, 0.0),
        c.c2 * (s.x * r.x.z + s.y * r.y.z + s.z * r.z.z) + vec4<f32>(0.0, 0.0, free.z, 0.0),
        c.c3 * (s.x * r.x.w + s.y * r.y.w + s.z * r.z.w) + vec4<f32>(0.0, 0.0, 0.0, free.w),
    );
}

// The inverse of the 2 x 2 matrix with columns a and b, times v.
fn constraint_solve2(a: vec2<f32>, b: vec2<f32>, inverse: f32, v: vec2<f32>) -> vec2<f32> {
    return inverse * vec2<f32>(b.y * v.x - b.x * v.y, a.x * v.y - a.y * v.x);
}

// J^-1 v by 2 x 2 blocks: two divisions, no pivots. J is close to a product of a Gram matrix and masses, so its leading blocks are regular.
fn constraint_solve(j: ConstraintMatrix, v: vec4<f32>) -> vec4<f32> {
    let inverse = 1.0 / (j.c0.x * j.c1.y - j.c0.y * j.c1.x);
    let b0 = constraint_solve2(j.c0.xy, j.c1.xy, inverse, j.c2.xy);
    let b1 = constraint_solve2(j.c0.xy, j.c1.xy, inverse, j.c3.xy);
    let y = constraint_solve2(j.c0.xy, j.c1.xy, inverse, v.xy);
    let s0 = j.c2.zw - (j.c0.zw * b0.x + j.c1.zw * b0.y);
    let s1 = j.c3.zw - (j.c0.zw * b1.x + j.c1.zw * b1.y);
    let t = v.zw - (j.c0.zw * y.x + j.c1.zw * y.y);
    let lower = constraint_solve2(s0, s1, 1.0 / (s0.x * s1.y - s0.y * s1.x), t);
    return vec4<f32>(y - (b0 * lower.x + b1 * lower.y), lower);
}

// Vectors of atoms 1 to 4, and of atom 0.
struct ConstraintMembers {
    arms: ConstraintVectors,
    centre: vec3<f32>,
}

// How the atoms move for multipliers times vectors: masses times moves sum to zero.
fn constraint_moves(pull: ConstraintVectors, w0: f32, w: vec4<f32>, triangle: bool) -> ConstraintMembers {
    let x = constraint_component(pull.x, triangle);
    let y = constraint_component(pull.y, triangle);
    let z = constraint_component(pull.z, triangle);
    return ConstraintMembers(
        ConstraintVectors(w * x, w * y, w * z),
        -w0 * vec3<f32>(constraint_centre(pull.x, triangle), constraint_centre(pull.y, triangle), constraint_centre(pull.z, triangle)),
    );
}

// A triangle's third constraint lies between atoms 1 and 2.
fn constraint_component(pull: vec4<f32>, triangle: bool) -> vec4<f32> {
    return select(pull, vec4<f32>(pull.x - pull.z, pull.y + pull.z, 0.0, 0.0), triangle);
}

fn constraint_centre(pull: vec4<f32>, triangle: bool) -> f32 {
    return (pull.x + pull.y) + select(pull.z + pull.w, 0.0, triangle);
}

// What takes out of velocities whatever would change a distance: r_k . (v + w sum l r)_k = 0 for all constraints, a linear system, solved twice so that the second
// solution takes away what rounding left of the first. `start`: differences of velocities along the vectors' pairs.
fn constraint_projection(r: ConstraintVectors, start: ConstraintVectors, w0: f32, w: vec4<f32>, triangle: bool, used: vec4<bool>) -> ConstraintMembers {
    let couplings = constraint_couplings(w0, w, triangle, used);
    let matrix = constraint_jacobian(couplings, r, r, used);
    var multipliers = vec4<f32>();
    for (var iteration = 0u; iteration < 2u; iteration++) {
        let pull = constraint_scaled(r, multipliers);
        let left = ConstraintVectors(
            start.x + constraint_apply(couplings, pull.x),
            start.y + constraint_apply(couplings, pull.y),
            start.z + constraint_apply(couplings, pull.z),
        );
        multipliers -= constraint_solve(matrix, constraint_dot(r, left));
    }
    return constraint_moves(constraint_scaled(r, multipliers), w0, w, triangle);
}

struct ConstraintSolution {
    moves: ConstraintMembers,
    // No distance is more than 1e-5 of its length off; else nothing moves.
    held: bool,
}

// What brings displacements back to where all distances have their lengths: the M-SHAKE equations (Kräutler, van Gunsteren and Hünenberger, J. Comput. Chem. 22,
// 501, 2001), solved by Newton's method, always three times:
//   |r_k + e_k + sum_l C_kl l_l r_l|^2 = L_k^2, with r the vectors before the step and e the difference of the two atoms' displacements.
// Displacements are kept apart from positions, so the residual is what f32 leaves: about 1.1e-7 of a length. `squares`: L_k^2, nm^2, 0 where there is none.
fn constraint_solution(
    r: ConstraintVectors,
    e: ConstraintVectors,
    squares: vec4<f32>,
    w0: f32,
    w: vec4<f32>,
    triangle: bool,
) -> ConstraintSolution {
    let used = squares > vec4<f32>();
    let start = ConstraintVectors(r.x + e.x, r.y + e.y, r.z + e.z);
    let couplings = constraint_couplings(w0, w, triangle, used);
    var s = start;
    var off = squares - constraint_dot(s, s);
    var multipliers = vec4<f32>();
    for (var iteration = 0u; iteration < 3u; iteration++) {
        multipliers += constraint_solve(constraint_jacobian(couplings, s, r, used), 0.5 * off);
        let pull = constraint_scaled(r, multipliers);
        s = ConstraintVectors(
            start.x + constraint_apply(couplings, pull.x),
            start.y + constraint_apply(couplings, pull.y),
            start.z + constraint_apply(couplings, pull.z),
        );
        off = squares - constraint_dot(s, s);
    }
    let held = all(abs(off) <= 2e-5 * squares);
    let kept = select(vec4<f32>(), multipliers, held);
    return ConstraintSolution(constraint_moves(constraint_scaled(r, kept), w0, w, triangle), held);
}

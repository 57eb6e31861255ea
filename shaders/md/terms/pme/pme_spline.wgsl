// Cardinal B-splines of order 5 on the grid of particle mesh Ewald (Essmann et al., J. Chem. Phys. 103, 8577, 1995). A position u (fraction of
// an edge in 32 bits) lies at u K / 2^32: the product's high word is the first of five grid points, its low word the fraction d between points, both exact.
// Weights start as (1 - d, d); order k from k - 1: w_j <- ((d + k - 1 - j) w_(j-1) + (j + 1 - d) w_j) / (k - 1).
// Derivatives by d: w_(j-1) - w_j of order 4. What is below 1e-9 is 0, so that no product underflows. Bindings: none.

override pme_nx: u32;
override pme_ny: u32;
override pme_nz: u32;

struct PmeSpline {
    // First grid point, 0 to K - 1; the others follow, around the edge.
    first: u32,
    w: array<f32, 5>,
    // Derivatives by the coordinate in grid units.
    slope: array<f32, 5>,
}

fn pme_significant(w: f32) -> f32 {
    return select(0.0, w, abs(w) > 1e-9);
}

fn pme_spline(u: u32, k: u32) -> PmeSpline {
    let first = ((u >> 16u) * k + (((u & 0xffffu) * k) >> 16u)) >> 16u;
    let d = f32(u * k) * 2.3283064e-10;
    let e = 1.0 - d;
    // Order 3.
    let a0 = 0.5 * e * e;
    let a1 = 0.5 * ((d + 1.0) * e + (2.0 - d) * d);
    let a2 = 0.5 * d * d;
    // Order 4.
    let third = 0.33333334;
    let b0 = pme_significant(third * (e * a0));
    let b1 = third * ((d + 2.0) * a0 + (2.0 - d) * a1);
    let b2 = third * ((d + 1.0) * a1 + (3.0 - d) * a2);
    let b3 = pme_significant(third * (d * a2));
    return PmeSpline(
        first,
        array<f32, 5>(
            pme_significant(0.25 * (e * b0)),
            0.25 * ((d + 3.0) * b0 + (2.0 - d) * b1),
            0.25 * ((d + 2.0) * b1 + (3.0 - d) * b2),
            0.25 * ((d + 1.0) * b2 + (4.0 - d) * b3),
            pme_significant(0.25 * (d * b3)),
        ),
        array<f32, 5>(-b0, pme_significant(b0 - b1), pme_significant(b1 - b2), pme_significant(b2 - b3), b3),
    );
}

// The j-th point of a spline.
fn pme_point(first: u32, j: u32, k: u32) -> u32 {
    let point = first + j;
    return select(point, point - k, point >= k);
}

//! Sums and products of vectors of three.

use crate::md::system::Vector;

/// a + b.
pub fn add(a: Vector, b: Vector) -> Vector {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// a − b.
pub fn subtract(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// s v.
pub fn scale(s: f64, v: Vector) -> Vector {
    v.map(|x| s * x)
}

/// a · b.
pub fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// a × b.
pub fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// |v|.
pub fn norm(v: Vector) -> f64 {
    libm::sqrt(dot(v, v))
}

/// Add to a particle's force.
pub fn push(forces: &mut [Vector], particle: u32, force: Vector) {
    let sum = &mut forces[particle as usize];
    *sum = add(*sum, force);
}

/// Add a pair's force to the first particle, and take it off the second.
pub fn push_pair(forces: &mut [Vector], [a, b]: [u32; 2], force: Vector) {
    push(forces, a, force);
    push(forces, b, scale(-1.0, force));
}

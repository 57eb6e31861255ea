//! Virtual sites in double precision: where they are, and to which particles their forces go.

use crate::md::system::{Site, SiteKind, System, Vector};
use crate::md::twin::vector::{add, cross, dot, norm, push, scale, subtract};

/// Place all sites of a system.
pub fn place(system: &mut System) {
    for index in 0..system.sites.len() {
        let site = &system.sites[index];
        let (particle, position) = (site.particle, position(system, site));
        system.positions_nm[particle as usize] = position;
    }
}

/// Where a site is, by the positions of its parents, nm: near the first of them.
fn position(system: &System, site: &Site) -> Vector {
    let parents = site.kind.parents();
    let first = parents[0];
    let origin = system.positions_nm[first as usize];
    let from_first = |parent: u32| system.difference_nm(parent, first);
    match &site.kind {
        SiteKind::Average { parents } => parents
            .iter()
            .fold(origin, |sum, (parent, weight)| add(sum, scale(*weight, from_first(*parent)))),
        SiteKind::OutOfPlane {
            parents,
            weights,
            cross_per_nm,
        } => {
            let (v12, v13) = (from_first(parents[1]), from_first(parents[2]));
            let flat = add(scale(weights[0], v12), scale(weights[1], v13));
            add(origin, add(flat, scale(*cross_per_nm, cross(v12, v13))))
        }
        SiteKind::Local { parents, position_nm } => {
            let axes = Axes::new(parents, &from_first);
            let [x, y, z] = axes.unit;
            let place = add(
                scale(position_nm[0], x),
                add(scale(position_nm[1], y), scale(position_nm[2], z)),
            );
            add(origin, add(axes.origin, place))
        }
    }
}

/// What the parents of a site in local coordinates span.
struct Axes {
    /// From the first parent, nm.
    origin: Vector,
    /// Weighted sums for the x direction and the y direction, nm, and the cross product of both, nm².
    raw: [Vector; 3],
    /// Unit vectors x, y, z.
    unit: [Vector; 3],
}

impl Axes {
    fn new(parents: &[(u32, [f64; 3])], from_first: &dyn Fn(u32) -> Vector) -> Self {
        let sum = |which: usize| {
            parents.iter().fold([0.0; 3], |sum, (parent, weights)| {
                add(sum, scale(weights[which], from_first(*parent)))
            })
        };
        let (x, y) = (sum(1), sum(2));
        let z = cross(x, y);
        let unit = |v: Vector| {
            let length = norm(v);
            scale(if length > 0.0 { length.recip() } else { 0.0 }, v)
        };
        let (ux, uz) = (unit(x), unit(z));
        Self {
            origin: sum(0),
            raw: [x, y, z],
            unit: [ux, cross(uz, ux), uz],
        }
    }
}

/// Hand the forces on sites over to the particles that place them, last sites first; sites are left with 0.
pub fn spread_forces(system: &System, forces: &mut [Vector]) {
    for site in system.sites.iter().rev() {
        let force = std::mem::take(&mut forces[site.particle as usize]);
        match &site.kind {
            SiteKind::Average { parents } => parents
                .iter()
                .for_each(|(parent, weight)| push(forces, *parent, scale(*weight, force))),
            SiteKind::OutOfPlane {
                parents,
                weights,
                cross_per_nm,
            } => {
                let [a, b, c] = *parents;
                let (v12, v13) = (system.difference_nm(b, a), system.difference_nm(c, a));
                let on_b = add(scale(weights[0], force), scale(*cross_per_nm, cross(v13, force)));
                let on_c = subtract(scale(weights[1], force), scale(*cross_per_nm, cross(v12, force)));
                push(forces, b, on_b);
                push(forces, c, on_c);
                push(forces, a, subtract(force, add(on_b, on_c)));
            }
            SiteKind::Local { parents, position_nm } => local(system, parents, *position_nm, force, forces),
        }
    }
}

/// F on the site does the work F·dp with p = o + p_x x̂ + p_y ŷ + p_z ẑ, ŷ = ẑ × x̂. A turn of the axes by a small vector w moves p by w × (p − o), so
/// the torque T = (p − o) × F is what the directions take: with x and z unnormalised, dx̂ = (dx − x̂ x̂·dx)/|x|, and z turns about x̂ by
/// −ŷ·dẑ; dz = dx × y + x × dy.
fn local(system: &System, parents: &[(u32, [f64; 3])], position: Vector, force: Vector, forces: &mut [Vector]) {
    let first = parents[0].0;
    let axes = Axes::new(parents, &|parent| system.difference_nm(parent, first));
    let [ux, uy, uz] = axes.unit;
    let arm = add(scale(position[0], ux), add(scale(position[1], uy), scale(position[2], uz)));
    let torque = cross(arm, force);
    let [x, y, z] = axes.raw;
    let (nx, nz) = (norm(x), norm(z));
    // w = x̂ × dx̂ + x̂ (−ŷ·dẑ); T·w as a linear function of dx and of dz.
    let by_x = scale(1.0 / nx, cross(torque, ux));
    let by_z = scale(-dot(torque, ux) / nz, uy);
    // z = x × y: by_z·(dx × y + x × dy) = dx·(y × by_z) + dy·(by_z × x).
    let on_x = add(by_x, cross(y, by_z));
    let on_y = cross(by_z, x);
    for (parent, [origin, wx, wy]) in parents {
        let part = add(scale(*origin, force), add(scale(*wx, on_x), scale(*wy, on_y)));
        push(forces, *parent, part);
    }
}

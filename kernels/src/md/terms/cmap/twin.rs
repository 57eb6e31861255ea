//! CMAP in double precision: two dihedral angles, and the energy from a bicubic patch of a map.

use std::f64::consts::TAU;

use super::patches::patches;
use crate::md::system::{System, Vector};
use crate::md::twin::dihedral::Dihedral;

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let grids = &system.terms.cmap_grids;
    let maps: Vec<_> = grids.iter().map(patches).collect();
    let mut energy = 0.0;
    for torsion in &system.terms.cmap_torsions {
        let map = torsion.grid as usize;
        let size = grids[map].size;
        let both = torsion.atoms.map(|atoms| Dihedral::new(system, atoms));
        let per_cell = TAU / size as f64;
        let places = both.map(|dihedral| {
            let wrapped = dihedral.angle_rad - TAU * (dihedral.angle_rad / TAU).floor();
            let at = wrapped / per_cell;
            let cell = (at as usize).min(size - 1);
            (cell, at - cell as f64)
        });
        let [(i, x), (j, y)] = places;
        let c = &maps[map][i + size * j];
        let (mut value, mut by_x, mut by_y) = (0.0, 0.0, 0.0);
        for p in (0..4).rev() {
            let row = &c[4 * p..4 * p + 4];
            let here = ((row[3] * y + row[2]) * y + row[1]) * y + row[0];
            by_x = by_x * x + value;
            value = value * x + here;
            by_y = by_y * x + (3.0 * row[3] * y + 2.0 * row[2]) * y + row[1];
        }
        energy += value;
        both[0].push(by_x / per_cell, forces);
        both[1].push(by_y / per_cell, forces);
    }
    energy
}

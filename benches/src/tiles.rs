//! A system several times along each edge of its box: the same liquid in every size. For systems of constrained molecules, water with salt, say: nothing but
//! particles, constraints and what acts between all particles.

use anyhow::{Result, ensure};
use kernels::md::system::constraint::{Star, Triangle};
use kernels::md::system::{Cell, Exception, ForceClass, Method, System};

/// `count`³ copies side by side, in a box `count` times as wide, with a PME grid as fine.
///
/// # Errors
/// The system holds more than that.
pub fn tiled(system: &System, count: u32) -> Result<System> {
    let classes = system.terms.classes();
    ensure!(
        classes.iter().all(|class| *class == ForceClass::Nonbonded)
            && system.sites.is_empty()
            && system.constraints.larger.is_empty(),
        "{}: found {classes:?}, expected constrained molecules and a NonbondedForce alone",
        system.name
    );
    let (Some(cell), Some(nonbonded)) = (system.cell, &system.terms.nonbonded) else {
        anyhow::bail!("{}: expected a box and a NonbondedForce", system.name);
    };
    let atoms = u32::try_from(system.atoms())?;
    let copies = (0..count).flat_map(|x| (0..count).flat_map(move |y| (0..count).map(move |z| [x, y, z])));
    let copies: Vec<([u32; 3], u32)> = copies.zip(0..).map(|(tile, copy)| (tile, copy * atoms)).collect();
    let mut tiled = system.clone();
    tiled.name = format!("{}-{count}", system.name);
    tiled.cell = Some(Cell {
        vectors_nm: cell.vectors_nm.map(|vector| vector.map(|x| x * f64::from(count))),
    });
    tiled.particles = system.particles.repeat(copies.len());
    tiled.velocities_nm_ps = system.velocities_nm_ps.repeat(copies.len());
    let place = |tile: [u32; 3], position: [f64; 3]| {
        [0, 1, 2].map(|axis| {
            position[axis]
                + (0..3)
                    .map(|edge| f64::from(tile[edge]) * cell.vectors_nm[edge][axis])
                    .sum::<f64>()
        })
    };
    tiled.positions_nm = copies
        .iter()
        .flat_map(|(tile, _)| system.positions_nm.iter().map(|position| place(*tile, *position)))
        .collect();
    let constraints = &system.constraints;
    tiled.constraints.stars = each(&copies, &constraints.stars, |star, first| Star {
        center: star.center + first,
        arms: star.arms.iter().map(|(arm, length)| (arm + first, *length)).collect(),
    });
    tiled.constraints.triangles = each(&copies, &constraints.triangles, |triangle, first| Triangle {
        atoms: triangle.atoms.map(|atom| atom + first),
        ..*triangle
    });
    let mut all = nonbonded.clone();
    all.exclusions = each(&copies, &nonbonded.exclusions, |pair, first| pair.map(|atom| atom + first));
    all.exceptions = each(&copies, &nonbonded.exceptions, |exception, first| Exception {
        atoms: exception.atoms.map(|atom| atom + first),
        ..*exception
    });
    if let Method::Pme { grid, .. } = &mut all.method {
        *grid = grid.map(|points| points * count);
    }
    tiled.terms.nonbonded = Some(all);
    Ok(tiled)
}

/// Each of a list's entries in each copy, in order.
fn each<T>(copies: &[([u32; 3], u32)], list: &[T], shifted: impl Fn(&T, u32) -> T) -> Vec<T> {
    let copies = copies.iter().map(|(_, first)| *first);
    copies
        .flat_map(|first| list.iter().map(move |one| (one, first)))
        .map(|(one, first)| shifted(one, first))
        .collect()
}

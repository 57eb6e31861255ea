//! Bonds, angles, torsions and CMAP. Several Forces of a class in one System add up.

use super::super::ImportError;
use super::super::xml::Element;
use super::Reading;
use crate::md::system::{Angle, Bond, CmapGrid, CmapTorsion, RbTorsion, Torsion};

/// Particles by the names of their attributes.
fn atoms<const N: usize>(entry: Element<'_>, names: [&str; N]) -> Result<[u32; N], ImportError> {
    let mut atoms = [0; N];
    for (atom, name) in atoms.iter_mut().zip(names) {
        *atom = entry.index(name)?;
    }
    Ok(atoms)
}

/// Particles p1, p2, ….
pub(super) fn numbered<const N: usize>(entry: Element<'_>) -> Result<[u32; N], ImportError> {
    let mut atoms = [0; N];
    for (k, atom) in atoms.iter_mut().enumerate() {
        *atom = entry.index(["p1", "p2", "p3", "p4"][k])?;
    }
    Ok(atoms)
}

/// Note the particles of terms whose force does not regard the box.
pub(super) fn unless_periodic<'a>(
    force: Element<'_>,
    what: &'static str,
    terms: impl Iterator<Item = &'a [u32]>,
    reading: &mut Reading,
) {
    if reading.obstacles.take(force.flag("usesPeriodic")) == Some(false) {
        terms.for_each(|atoms| reading.plain(what, atoms));
    }
}

/// HarmonicBondForce.
pub(super) fn bonds(force: Element<'_>, reading: &mut Reading) {
    let bonds = reading.entries(force, "Bonds", "Bond", |one| {
        Ok(Bond {
            atoms: numbered(one)?,
            length_nm: one.number("d")?,
            k_kj_mol_nm2: one.number("k")?,
        })
    });
    unless_periodic(force, "a bond", bonds.iter().map(|one| one.atoms.as_slice()), reading);
    reading.system.terms.bonds.extend(bonds);
}

/// HarmonicAngleForce.
pub(super) fn angles(force: Element<'_>, reading: &mut Reading) {
    let angles = reading.entries(force, "Angles", "Angle", |one| {
        Ok(Angle {
            atoms: numbered(one)?,
            angle_rad: one.number("a")?,
            k_kj_mol_rad2: one.number("k")?,
        })
    });
    unless_periodic(force, "an angle", angles.iter().map(|one| one.atoms.as_slice()), reading);
    reading.system.terms.angles.extend(angles);
}

/// PeriodicTorsionForce.
pub(super) fn torsions(force: Element<'_>, reading: &mut Reading) {
    let torsions = reading.entries(force, "Torsions", "Torsion", |one| {
        Ok(Torsion {
            atoms: numbered(one)?,
            periodicity: one.index("periodicity")?,
            phase_rad: one.number("phase")?,
            k_kj_mol: one.number("k")?,
        })
    });
    unless_periodic(force, "a torsion", torsions.iter().map(|one| one.atoms.as_slice()), reading);
    reading.system.terms.torsions.extend(torsions);
}

/// RBTorsionForce.
pub(super) fn rb_torsions(force: Element<'_>, reading: &mut Reading) {
    let torsions = reading.entries(force, "Torsions", "Torsion", |one| {
        let mut c_kj_mol = [0.0; 6];
        for (c, name) in c_kj_mol.iter_mut().zip(["c0", "c1", "c2", "c3", "c4", "c5"]) {
            *c = one.number(name)?;
        }
        Ok(RbTorsion {
            atoms: numbered(one)?,
            c_kj_mol,
        })
    });
    unless_periodic(force, "a torsion", torsions.iter().map(|one| one.atoms.as_slice()), reading);
    reading.system.terms.rb_torsions.extend(torsions);
}

/// CMAPTorsionForce.
pub(super) fn cmap(force: Element<'_>, reading: &mut Reading) {
    let first = reading.system.terms.cmap_grids.len() as u32;
    let grids = reading.entries(force, "Maps", "Map", |map| {
        let size = map.index("size")? as usize;
        let energies_kj_mol = map.children().map(|entry| entry.number("e")).collect::<Result<Vec<_>, _>>()?;
        if size.checked_mul(size) != Some(energies_kj_mol.len()) {
            return Err(map.refuse(format!(
                "found {} energies for size=\"{size}\", expected size times size",
                energies_kj_mol.len()
            )));
        }
        Ok(CmapGrid { size, energies_kj_mol })
    });
    let count = grids.len() as u32;
    let torsions = reading.entries(force, "Torsions", "Torsion", |one| {
        let grid = one.index("map")?;
        if grid >= count {
            return Err(one.refuse(format!("found map=\"{grid}\", expected below {count}")));
        }
        Ok(CmapTorsion {
            grid: first + grid,
            atoms: [atoms(one, ["a1", "a2", "a3", "a4"])?, atoms(one, ["b1", "b2", "b3", "b4"])?],
        })
    });
    let each = torsions.iter().flat_map(|one| one.atoms.iter().map(<[u32; 4]>::as_slice));
    unless_periodic(force, "a CMAP torsion", each, reading);
    reading.system.terms.cmap_grids.extend(grids);
    reading.system.terms.cmap_torsions.extend(torsions);
}

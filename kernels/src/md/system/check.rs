//! What a system must fulfil; every problem is found and named, not the first alone.
//!
//! | module | owns |
//! |---|---|
//! | `motion` | integrator, heat bath, barostat |

mod motion;

use std::collections::BTreeSet;

use super::{Cutoff, Method, SiteKind, System, Vector};

/// Most particles: what one dispatch of 65,535 workgroups of 64 reaches.
pub const PARTICLES_MAX: usize = 65_535 * 64;
/// Largest charge of a particle, e.
pub const CHARGE_MAX_E: f64 = 50.0;
/// How far a constrained distance of the starting state may be from its length, relative.
pub const STRETCH_MAX: f64 = 0.2;
/// Most points of a PME grid along an axis.
pub const PME_GRID_MAX: u32 = 4096;

/// Problems, at most one for each list of the system: the first entry that has it, and how many more do.
#[derive(Debug, Default)]
struct Problems {
    found: Vec<String>,
}

impl Problems {
    fn add(&mut self, problem: Option<String>) {
        self.found.extend(problem);
    }

    /// The first of a list's entries that has a problem, with its index, and how many more have one.
    fn each<T>(&mut self, what: &str, list: &[T], problem: impl Fn(&T) -> Option<String>) {
        let mut all = list
            .iter()
            .enumerate()
            .filter_map(|(index, one)| problem(one).map(|text| (index, text)));
        if let Some((index, text)) = all.next() {
            let more = match all.count() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            self.found.push(format!("{what} {index}{text}{more}"));
        }
    }
}

/// All problems of a system; empty for a good one.
pub fn problems(system: &System) -> Vec<String> {
    let mut problems = Problems::default();
    let n = system.atoms();
    if n == 0 || n > PARTICLES_MAX {
        return vec![format!("the system has {n} particles, expected 1 to {PARTICLES_MAX}")];
    }
    for (what, found) in [
        ("positions", system.positions_nm.len()),
        ("velocities", system.velocities_nm_ps.len()),
    ] {
        if found != n {
            return vec![format!("the system has {n} particles but {found} {what}, expected as many")];
        }
    }
    particles(system, &mut problems);
    indices(system, &mut problems);
    // What follows uses indices.
    if problems.found.is_empty() {
        numbers(system, &mut problems);
        nonbonded(system, &mut problems);
        custom(system, &mut problems);
        constraints(system, &mut problems);
        sites(system, &mut problems);
        motion::motion(system, &mut problems);
    }
    problems.found
}

fn finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite() && value.abs() < 1e12)
}

fn unless(good: bool, problem: impl FnOnce() -> String) -> Option<String> {
    (!good).then(problem)
}

fn particles(system: &System, problems: &mut Problems) {
    problems.each("particle", &system.particles, |p| {
        unless((0.0..1e6).contains(&p.mass_u), || {
            format!(": mass {} u, expected from 0 to below 1e6", p.mass_u)
        })
    });
    problems.each("particle", &system.particles, |p| {
        unless(p.charge_e.abs() <= CHARGE_MAX_E, || {
            format!(": charge {} e, expected at most {CHARGE_MAX_E} either way", p.charge_e)
        })
    });
    problems.each("particle", &system.particles, |p| {
        let good = (0.0..=100.0).contains(&p.sigma_nm) && (0.0..1e6).contains(&p.epsilon_kj_mol);
        unless(good, || {
            format!(
                ": sigma {} nm and epsilon {} kJ/mol, expected sigma from 0 to 100 and epsilon from 0 to below 1e6",
                p.sigma_nm, p.epsilon_kj_mol
            )
        })
    });
    let vector = |unit: &'static str| {
        move |v: &Vector| {
            unless(v.iter().all(|x| x.abs() <= 1e6), || {
                format!(": ({}, {}, {}) {unit}, expected numbers within 1e6", v[0], v[1], v[2])
            })
        }
    };
    problems.each("position", &system.positions_nm, vector("nm"));
    problems.each("velocity", &system.velocities_nm_ps, vector("nm/ps"));
    problems.add(system.cell.and_then(|cell| cell.problem()));
    problems.add(unless(system.time_ps.is_finite(), || {
        format!("the state's time is {} ps, expected a finite number", system.time_ps)
    }));
}

/// Particles of a term: below the number of particles, and each once.
fn members(atoms: &[u32], n: usize) -> Option<String> {
    if let Some(atom) = atoms.iter().find(|atom| **atom as usize >= n) {
        return Some(format!(": particle {atom}, expected below {n}"));
    }
    let distinct: BTreeSet<_> = atoms.iter().collect();
    unless(distinct.len() == atoms.len(), || {
        format!(": particles {atoms:?}, expected each once")
    })
}

fn indices(system: &System, problems: &mut Problems) {
    let n = system.atoms();
    let terms = &system.terms;
    problems.each("bond", &terms.bonds, |term| members(&term.atoms, n));
    problems.each("angle", &terms.angles, |term| members(&term.atoms, n));
    problems.each("torsion", &terms.torsions, |term| members(&term.atoms, n));
    problems.each("RB torsion", &terms.rb_torsions, |term| members(&term.atoms, n));
    problems.each("improper", &terms.impropers, |term| members(&term.atoms, n));
    problems.each("CMAP torsion", &terms.cmap_torsions, |term| {
        members(&term.atoms[0], n).or_else(|| members(&term.atoms[1], n)).or_else(|| {
            unless((term.grid as usize) < terms.cmap_grids.len(), || {
                format!(": map {}, expected below {}", term.grid, terms.cmap_grids.len())
            })
        })
    });
    problems.each("pair bond", &terms.pair_bonds, |term| members(&term.atoms, n));
    problems.each("position restraint", &terms.restraints, |term| members(&[term.atom], n));
    if let Some(nonbonded) = &terms.nonbonded {
        problems.each("exclusion", &nonbonded.exclusions, |pair| members(pair, n));
        problems.each("exception", &nonbonded.exceptions, |one| members(&one.atoms, n));
    }
    for pairs in &terms.custom_pairs {
        problems.each("exclusion of a custom nonbonded force", &pairs.exclusions, |pair| {
            members(pair, n)
        });
    }
    let all: Vec<_> = system.constraints.all().collect();
    problems.each("constraint", &all, |one| members(&one.atoms, n));
    problems.each("virtual site", &system.sites, |site| {
        let mut atoms = site.kind.parents();
        atoms.push(site.particle);
        members(&atoms, n)
    });
}

fn numbers(system: &System, problems: &mut Problems) {
    let terms = &system.terms;
    let bad = |values: &[f64]| unless(finite(values), || format!(": {values:?}, expected finite numbers below 1e12"));
    problems.each("bond", &terms.bonds, |term| bad(&[term.length_nm, term.k_kj_mol_nm2]));
    problems.each("angle", &terms.angles, |term| bad(&[term.angle_rad, term.k_kj_mol_rad2]));
    problems.each("torsion", &terms.torsions, |term| {
        bad(&[term.phase_rad, term.k_kj_mol]).or_else(|| {
            unless(term.periodicity <= 64, || {
                format!(": periodicity {}, expected at most 64", term.periodicity)
            })
        })
    });
    problems.each("RB torsion", &terms.rb_torsions, |term| bad(&term.c_kj_mol));
    problems.each("improper", &terms.impropers, |term| {
        bad(&[term.angle_rad, term.k_kj_mol_rad2])
    });
    problems.each("CMAP map", &terms.cmap_grids, |map| {
        bad(&map.energies_kj_mol).or_else(|| {
            let good = (4..=1024).contains(&map.size) && map.energies_kj_mol.len() == map.size * map.size;
            unless(good, || {
                format!(
                    ": {} energies for {} points an axis, expected size * size of them and a size from 4 to 1024",
                    map.energies_kj_mol.len(),
                    map.size
                )
            })
        })
    });
    problems.each("pair bond", &terms.pair_bonds, |term| {
        bad(&[term.coulomb_kj_mol_nm, term.a_kj_mol_nm12, term.b_kj_mol_nm6])
    });
    problems.each("position restraint", &terms.restraints, |term| {
        bad(&[term.k_kj_mol_nm2, term.at_nm[0], term.at_nm[1], term.at_nm[2]])
    });
}

/// A cutoff that fits the box.
fn cutoff(system: &System, cutoff: Cutoff, what: &str) -> Option<String> {
    let Some(cell) = system.cell else {
        return Some(format!("{what} has a cutoff but the system has no box"));
    };
    let r = cutoff.radius_nm;
    let least = cell.diagonal_nm().into_iter().fold(f64::INFINITY, f64::min);
    if r.is_nan() || r <= 1e-3 {
        return Some(format!("the cutoff of {what} is {r} nm, expected above 1e-3"));
    }
    if r > 0.5 * least {
        return Some(format!(
            "the cutoff of {what}, {r} nm, is above half the box's shortest edge ({least} nm, half of it {} nm): a particle would meet two images of another one; use a larger box or a shorter cutoff",
            0.5 * least
        ));
    }
    let switch = cutoff.switch_nm?;
    unless((0.0..r).contains(&switch), || {
        format!("the switching distance of {what} is {switch} nm, expected from 0 to below the cutoff, {r} nm")
    })
}

/// Pairs with the smaller index first, in order, each once.
fn in_order(pairs: &[[u32; 2]]) -> bool {
    pairs.iter().all(|[a, b]| a < b) && pairs.windows(2).all(|two| two[0] < two[1])
}

fn nonbonded(system: &System, problems: &mut Problems) {
    let Some(nonbonded) = &system.terms.nonbonded else {
        return;
    };
    if let Some(one) = nonbonded.method.cutoff() {
        problems.add(cutoff(system, one, "the nonbonded force"));
    } else {
        problems.add(unless(system.cell.is_none(), || {
            "the nonbonded force has no cutoff but the system has a box".into()
        }));
    }
    match nonbonded.method {
        Method::ReactionField { dielectric, .. } => problems.add(unless((1.0..1e9).contains(&dielectric), || {
            format!("the reaction field's permittivity is {dielectric}, expected 1 to below 1e9")
        })),
        Method::Pme { alpha_per_nm, grid, .. } => {
            problems.add(unless((1e-3..1e3).contains(&alpha_per_nm), || {
                format!("Ewald's alpha is {alpha_per_nm} per nm, expected above 1e-3 and below 1e3")
            }));
            let good = grid
                .iter()
                .all(|points| (super::nonbonded::PME_GRID_MIN..=PME_GRID_MAX).contains(points));
            problems.add(unless(good, || {
                format!(
                    "the PME grid is {grid:?}, expected {} to {PME_GRID_MAX} points along each axis",
                    super::nonbonded::PME_GRID_MIN
                )
            }));
        }
        Method::NoCutoff => {}
    }
    problems.add(unless(in_order(&nonbonded.exclusions), || {
        "exclusions are not in order, or one occurs twice".into()
    }));
    problems.each("exception", &nonbonded.exceptions, |one| {
        let excluded = nonbonded.exclusions.binary_search(&one.atoms).is_ok();
        unless(excluded, || format!(" of particles {:?} is no exclusion", one.atoms)).or_else(|| {
            let good = one.charge_product_e2.abs() <= CHARGE_MAX_E * CHARGE_MAX_E
                && (0.0..=100.0).contains(&one.sigma_nm)
                && (0.0..1e6).contains(&one.epsilon_kj_mol);
            unless(good, || {
                format!(
                    " has charge product {}, sigma {} nm, epsilon {} kJ/mol, expected sigma from 0 to 100 and epsilon from 0 to below 1e6",
                    one.charge_product_e2, one.sigma_nm, one.epsilon_kj_mol
                )
            })
        })
    });
}

fn custom(system: &System, problems: &mut Problems) {
    let n = system.atoms();
    for pairs in &system.terms.custom_pairs {
        if let Some(one) = pairs.cutoff {
            problems.add(cutoff(system, one, "a custom nonbonded force"));
        }
        problems.add(unless(in_order(&pairs.exclusions), || {
            "exclusions of a custom nonbonded force are not in order, or one occurs twice".into()
        }));
        let t = pairs.types;
        let tables = [&pairs.a_kj_mol_nm12, &pairs.b_kj_mol_nm6, &pairs.c_kj_mol_nm4];
        let sizes = tables.iter().all(|table| table.len() == t * t) && pairs.type_of.len() == n;
        let good = sizes && pairs.type_of.iter().all(|kind| (*kind as usize) < t);
        problems.add(unless(good, || {
            format!("a custom nonbonded force has {t} types and tables or particles that do not fit them")
        }));
        problems.add(unless(tables.iter().all(|table| finite(table)), || {
            "a custom nonbonded force has a coefficient that is no finite number below 1e12".into()
        }));
        let symmetric = |table: &Vec<f64>| (0..t).all(|i| (0..i).all(|j| table[i * t + j] == table[j * t + i]));
        problems.add(unless(!sizes || tables.iter().all(|table| symmetric(table)), || {
            "a custom nonbonded force has tables that are not symmetric".into()
        }));
        if let Some(switch) = pairs.force_switch {
            problems.add(unless(0.0 < switch.on_nm && switch.on_nm < switch.off_nm, || {
                format!("a force switch from {} to {} nm", switch.on_nm, switch.off_nm)
            }));
        }
    }
    if let Some(gb) = &system.terms.gb_obc {
        problems.add(unless(gb.particles.len() == n, || {
            format!("implicit solvent knows {} particles, expected {n}", gb.particles.len())
        }));
        let permittivities = [gb.solvent_dielectric, gb.solute_dielectric];
        problems.add(unless(permittivities.iter().all(|e| (1.0..1e9).contains(e)), || {
            format!("permittivities of the implicit solvent are {permittivities:?}, expected 1 to below 1e9")
        }));
        problems.each("implicit solvent: particle", &gb.particles, |p| {
            let good =
                p.charge_e.abs() <= CHARGE_MAX_E && (0.0095..100.0).contains(&p.radius_nm) && (0.0..100.0).contains(&p.scale);
            unless(good, || {
                format!(
                    ": charge {} e, radius {} nm, scale {}, expected a radius from 0.0095 and all below 100",
                    p.charge_e, p.radius_nm, p.scale
                )
            })
        });
    }
}

fn constraints(system: &System, problems: &mut Problems) {
    let all: Vec<_> = system.constraints.all().collect();
    problems.each("constraint", &all, |one| {
        let text = format!(" of particles {:?}", one.atoms);
        if !(1e-3..100.0).contains(&one.length_nm) {
            return Some(format!("{text}: length {} nm, expected from 1e-3 to below 100", one.length_nm));
        }
        if one.atoms.iter().any(|atom| system.particles[*atom as usize].mass_u == 0.0) {
            return Some(format!("{text}: expected particles with mass"));
        }
        let d = system.difference_nm(one.atoms[0], one.atoms[1]);
        let found = libm::sqrt(d.iter().map(|x| x * x).sum());
        unless((found / one.length_nm - 1.0).abs() <= STRETCH_MAX, || {
            format!(
                "{text}: they are {found:.6} nm apart in the state, expected {} nm within {} %: apply constraints before the state is written (context.applyConstraints)",
                one.length_nm,
                100.0 * STRETCH_MAX
            )
        })
    });
    problems.each("triangle of constraints", &system.constraints.triangles, |triangle| {
        let [a, b, c] = triangle.lengths_nm;
        // Flatter than a hundredth of its longest side, the three constraints are one too many.
        let flat = |a: f64, b: f64, c: f64| a + b < c * 1.0001;
        unless(!flat(a, b, c) && !flat(b, c, a) && !flat(c, a, b), || {
            format!(
                " of particles {:?}: sides {:?} nm make no triangle",
                triangle.atoms, triangle.lengths_nm
            )
        })
    });
}

fn sites(system: &System, problems: &mut Problems) {
    let constrained: BTreeSet<u32> = system.constraints.all().flat_map(|one| one.atoms).collect();
    let mut placed = BTreeSet::new();
    let all: BTreeSet<u32> = system.sites.iter().map(|site| site.particle).collect();
    for site in &system.sites {
        let particle = site.particle;
        let early = site
            .kind
            .parents()
            .iter()
            .all(|parent| !all.contains(parent) || placed.contains(parent));
        problems.add(unless(placed.insert(particle) && early, || {
            format!("virtual site {particle} is placed twice, or by a site that comes later")
        }));
    }
    problems.each("virtual site", &system.sites, |site| {
        let particle = site.particle;
        let text = format!(" (particle {particle})");
        if system.particles[particle as usize].mass_u != 0.0 {
            return Some(format!("{text} has a mass, expected 0"));
        }
        if constrained.contains(&particle) {
            return Some(format!("{text} is constrained, expected not"));
        }
        let near = |sum: f64, expected: f64| (sum - expected).abs() < 1e-6;
        match &site.kind {
            SiteKind::Average { parents } => {
                let sum: f64 = parents.iter().map(|(_, weight)| weight).sum();
                unless(near(sum, 1.0) && (2..=3).contains(&parents.len()), || {
                    format!("{text}: {} weights with sum {sum}, expected 2 or 3 with sum 1", parents.len())
                })
            }
            SiteKind::OutOfPlane {
                weights, cross_per_nm, ..
            } => unless(finite(&[weights[0], weights[1], *cross_per_nm]), || {
                format!("{text}: weights that are no finite numbers")
            }),
            SiteKind::Local { parents, position_nm } => {
                let sums = [0, 1, 2].map(|which| parents.iter().map(|(_, weights)| weights[which]).sum::<f64>());
                let good = near(sums[0], 1.0) && near(sums[1], 0.0) && near(sums[2], 0.0) && finite(position_nm);
                unless(good && (2..=64).contains(&parents.len()), || {
                    format!(
                        "{text}: {} parents with sums of weights {sums:?}, expected 2 to 64 with sums 1, 0, 0",
                        parents.len()
                    )
                })
            }
        }
    });
}

//! The System's box, masses, virtual sites and constraints.

use super::super::ImportError;
use super::super::xml::Element;
use super::Reading;
use super::state::cell;
use crate::md::system::{Constraint, Constraints, Particle, Site, SiteKind, site};

/// Read them.
pub(super) fn read(system: Element<'_>, reading: &mut Reading) {
    reading.default_cell = match reading.obstacles.take(system.find("PeriodicBoxVectors")) {
        Some(Some(vectors)) => reading.obstacles.take(cell(vectors)),
        _ => None,
    };
    let mut sites = Vec::new();
    let mut index = 0;
    let masses = reading.entries(system, "Particles", "Particle", |particle| {
        let this = index;
        index += 1;
        for child in particle.children() {
            sites.push(Site {
                particle: this,
                kind: kind(child)?,
            });
        }
        let mass = particle.number("mass")?;
        if mass < 0.0 {
            return Err(particle.refuse(format!("found mass=\"{mass}\", expected 0 or more")));
        }
        Ok(mass)
    });
    reading.system.particles = masses
        .iter()
        .map(|mass_u| Particle {
            mass_u: *mass_u,
            ..Particle::default()
        })
        .collect();
    for site in &sites {
        let parents = site.kind.parents();
        parents
            .iter()
            .for_each(|parent| reading.plain("a virtual site", &[site.particle, *parent]));
    }
    match site::ordered(sites) {
        Ok(sites) => reading.system.sites = sites,
        Err(circle) => reading.obstacles.add(system.refuse(format!(
            "found virtual sites that are placed by each other in a circle, particle {} among them",
            circle[0]
        ))),
    }
    let constraints = reading.entries(system, "Constraints", "Constraint", |one| {
        Ok(Constraint {
            atoms: [one.index("p1")?, one.index("p2")?],
            length_nm: one.number("d")?,
        })
    });
    reading.system.constraints = grouped(system, &masses, constraints, reading);
}

/// Constraints by group; those between two particles without mass hold by themselves, as in OpenMM.
fn grouped(system: Element<'_>, masses: &[f64], constraints: Vec<Constraint>, reading: &mut Reading) -> Constraints {
    let mass = |atom: u32| masses.get(atom as usize).copied();
    let mut moving = Vec::with_capacity(constraints.len());
    let mut pairs = std::collections::BTreeSet::new();
    for (index, one) in constraints.into_iter().enumerate() {
        let [a, b] = one.atoms;
        let (Some(first), Some(second)) = (mass(a), mass(b)) else {
            reading.obstacles.add(system.refuse(format!(
                "found constraint {index} of particles {a} and {b}, expected indices below {}",
                masses.len()
            )));
            return Constraints::default();
        };
        if !pairs.insert([a.min(b), a.max(b)]) || a == b {
            reading.obstacles.add(system.refuse(format!(
                "found constraint {index} of particles {a} and {b}, expected two particles, and each pair once"
            )));
            return Constraints::default();
        }
        if first != 0.0 || second != 0.0 {
            reading.plain("a constraint", &[a, b]);
            moving.push(one);
        }
    }
    Constraints::grouped(masses, &moving)
}

fn kind(site: Element<'_>) -> Result<SiteKind, ImportError> {
    let average = |count: usize| {
        let parent = |k: usize| Ok((site.index(&format!("p{k}"))?, site.number(&format!("w{k}"))?));
        let parents = (1..=count).map(parent).collect::<Result<Vec<_>, ImportError>>()?;
        let sum: f64 = parents.iter().map(|(_, weight)| weight).sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(site.refuse(format!(
                "found weights with sum {sum}, expected 1: with another sum, where a site is depends on where the box's origin is"
            )));
        }
        Ok(SiteKind::Average { parents })
    };
    match site.name() {
        "TwoParticleAverageSite" => average(2),
        "ThreeParticleAverageSite" => average(3),
        "OutOfPlaneSite" => Ok(SiteKind::OutOfPlane {
            parents: [site.index("p1")?, site.index("p2")?, site.index("p3")?],
            weights: [site.number("w12")?, site.number("w13")?],
            cross_per_nm: site.number("wc")?,
        }),
        "LocalCoordinatesSite" => {
            let mut parents = Vec::new();
            while site.attribute(&format!("p{}", parents.len() + 1)).is_some() {
                let k = parents.len() + 1;
                let weight = |name: &str| site.number(&format!("{name}{k}"));
                parents.push((site.index(&format!("p{k}"))?, [weight("wo")?, weight("wx")?, weight("wy")?]));
            }
            Ok(SiteKind::Local {
                parents,
                position_nm: [site.number("pos1")?, site.number("pos2")?, site.number("pos3")?],
            })
        }
        other => Err(site.refuse(format!(
            "found the virtual site {other}, expected TwoParticleAverageSite, ThreeParticleAverageSite, OutOfPlaneSite or LocalCoordinatesSite"
        ))),
    }
}

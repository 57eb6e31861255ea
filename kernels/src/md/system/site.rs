//! Virtual sites: particles without mass whose place others give.

use super::Vector;

/// A virtual site.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The particle that is placed.
    pub particle: u32,
    /// By what.
    pub kind: SiteKind,
}

/// How a site is placed. Parents may be sites that come earlier.
#[derive(Clone, Debug, PartialEq)]
pub enum SiteKind {
    /// Weighted average of two or three particles; the weights sum to 1.
    Average {
        /// Particle and weight.
        parents: Vec<(u32, f64)>,
    },
    /// x₁ + w₁₂ r₁₂ + w₁₃ r₁₃ + w_c (r₁₂ × r₁₃), with r₁ⱼ = xⱼ − x₁.
    OutOfPlane {
        /// The particles 1, 2, 3.
        parents: [u32; 3],
        /// w₁₂ and w₁₃.
        weights: [f64; 2],
        /// w_c, 1/nm.
        cross_per_nm: f64,
    },
    /// In coordinates that two or more particles span: origin o = Σ wᵒᵢ xᵢ, x direction along Σ wˣᵢ xᵢ, z along x × Σ wʸᵢ xᵢ, y = z × x.
    Local {
        /// Particle and its weights for the origin (sum 1), the x direction and the y direction (sum 0).
        parents: Vec<(u32, [f64; 3])>,
        /// Place in these coordinates, nm.
        position_nm: Vector,
    },
}

impl SiteKind {
    /// The particles that place it.
    pub fn parents(&self) -> Vec<u32> {
        match self {
            Self::Average { parents } => parents.iter().map(|(atom, _)| *atom).collect(),
            Self::OutOfPlane { parents, .. } => parents.to_vec(),
            Self::Local { parents, .. } => parents.iter().map(|(atom, _)| *atom).collect(),
        }
    }
}

/// Sites in an order in which each comes after those that it is placed by; among free choices, by particle.
///
/// # Errors
/// Sites that place each other in a circle: their particles.
pub fn ordered(mut sites: Vec<Site>) -> Result<Vec<Site>, Vec<u32>> {
    sites.sort_by_key(|site| site.particle);
    let mut waiting: std::collections::BTreeSet<u32> = sites.iter().map(|site| site.particle).collect();
    let mut done = Vec::with_capacity(sites.len());
    while !sites.is_empty() {
        let (ready, later): (Vec<_>, Vec<_>) = sites
            .into_iter()
            .partition(|site| site.kind.parents().iter().all(|parent| !waiting.contains(parent)));
        if ready.is_empty() {
            return Err(later.iter().map(|site| site.particle).collect());
        }
        ready.iter().for_each(|site| {
            waiting.remove(&site.particle);
        });
        done.extend(ready);
        sites = later;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(particle: u32, parents: [u32; 2]) -> Site {
        let parents = parents.map(|atom| (atom, 0.5)).to_vec();
        Site {
            particle,
            kind: SiteKind::Average { parents },
        }
    }

    #[test]
    fn sites_on_sites_come_after_them_and_circles_are_named() {
        let order = |sites| ordered(sites).map(|all| all.iter().map(|site: &Site| site.particle).collect::<Vec<_>>());
        assert_eq!(
            order(vec![site(3, [5, 0]), site(5, [0, 1]), site(7, [3, 5])]),
            Ok(vec![5, 3, 7])
        );
        assert_eq!(
            order(vec![site(3, [5, 0]), site(5, [3, 1]), site(7, [0, 1])]),
            Err(vec![3, 5])
        );
    }
}

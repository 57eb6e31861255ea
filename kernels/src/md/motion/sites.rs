//! Virtual sites as a part of a package: their forces are distributed to the atoms that place them, and they follow these atoms.
//!
//! Invariant: sites are grouped by dependency depth, one pass for each depth: a site is placed after the sites that it depends on, and its force is
//! distributed before theirs.

use std::collections::BTreeMap;

use crate::md::draft::{Draft, Kernel, Part, Phase};
use crate::md::system::{Site, SiteKind};
use crate::package::manifest::Number;

/// Most particles that a site in local coordinates may hang on.
const PARENTS_MAX: usize = 3;

/// The part; not to be added without sites.
#[derive(Clone, Copy, Debug)]
pub struct VirtualSites<'a>(pub &'a [Site]);

impl Part for VirtualSites<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let levels = levels(self.0);
        let sorted: Vec<&Site> = levels.iter().flatten().copied().collect();
        let mut atoms = Vec::with_capacity(8 * sorted.len());
        let mut weights = Vec::with_capacity(12 * sorted.len());
        for site in sorted {
            match row(site) {
                Ok((own_atoms, own_weights)) => {
                    atoms.extend(own_atoms);
                    weights.extend(own_weights);
                }
                Err(obstacle) => return draft.refuse(obstacle),
            }
        }
        draft.integer("sites_count", self.0.len() as u64);
        draft.constant_u32("site_atoms", &["sites_count", "8"], atoms);
        draft.constant_f32("site_weights", &["sites_count", "12"], weights);
        draft.integer_forces();
        let mut first = 0;
        let mut ranges = Vec::new();
        for level in &levels {
            ranges.push([first, first + level.len()]);
            first += level.len();
        }
        for (level, range) in ranges.iter().enumerate().rev() {
            let name = format!("spread_site_forces_{level}");
            let site = ["md/motion/site.wgsl"];
            let kernel = Kernel::tagged_forces(draft, &name, &site, "md/motion/spread_site_forces.wgsl");
            draft.kernel(Phase::Spread, of_range(kernel, *range));
        }
        for (level, range) in ranges.iter().enumerate() {
            let files = [draft.cell_file(), "md/motion/site.wgsl", "md/motion/place_sites.wgsl"];
            let kernel = Kernel::new(&format!("place_sites_{level}"), &files);
            draft.kernel(Phase::Place, of_range(kernel, *range));
        }
    }
}

fn of_range(kernel: Kernel, [first, end]: [usize; 2]) -> Kernel {
    kernel
        .over(&(end - first).to_string())
        .set("sites_first", Number::Integer(first as i64))
        .set("sites_end", Number::Integer(end as i64))
}

/// Sites that hang on none, then those that hang on these alone, and so on. Sites come in an order in which each is after those that it hangs on.
fn levels(sites: &[Site]) -> Vec<Vec<&Site>> {
    let mut level_of: BTreeMap<u32, usize> = BTreeMap::new();
    let mut levels: Vec<Vec<&Site>> = Vec::new();
    for site in sites {
        let parents = site.kind.parents();
        let above = parents.iter().filter_map(|parent| level_of.get(parent));
        let level = above.max().map_or(0, |level| level + 1);
        level_of.insert(site.particle, level);
        if levels.len() == level {
            levels.push(Vec::new());
        }
        levels[level].push(site);
    }
    levels
}

/// A site's rows of `site_atoms` and `site_weights`, see `site.wgsl`.
fn row(site: &Site) -> Result<([u32; 8], [f64; 12]), String> {
    let parents = site.kind.parents();
    if parents.len() > PARENTS_MAX {
        return Err(format!(
            "the virtual site {} hangs on {} particles, expected at most {PARENTS_MAX}",
            site.particle,
            parents.len()
        ));
    }
    // A parent that is not there is the first one, with weight 0.
    let parent = |k: usize| parents.get(k).copied().unwrap_or(parents[0]);
    let (kind, weights) = match &site.kind {
        SiteKind::Average { parents } => {
            let weight = |k: usize| parents.get(k).map_or(0.0, |(_, weight)| *weight);
            (0, [0.0, weight(1), weight(2), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        }
        SiteKind::OutOfPlane {
            weights: [w12, w13],
            cross_per_nm,
            ..
        } => (1, [0.0, *w12, *w13, *cross_per_nm, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        SiteKind::Local { parents, position_nm } => {
            let weight = |k: usize, of: usize| parents.get(k).map_or(0.0, |(_, weights)| weights[of]);
            let [x, y, z] = *position_nm;
            let origin = [0.0, weight(1, 0), weight(2, 0), 0.0];
            let directions = [weight(1, 1), weight(2, 1), weight(1, 2), weight(2, 2)];
            let place = [x, y, z, 0.0];
            let mut weights = [0.0; 12];
            weights[..4].copy_from_slice(&origin);
            weights[4..8].copy_from_slice(&directions);
            weights[8..].copy_from_slice(&place);
            (2, weights)
        }
    };
    Ok(([parent(0), parent(1), parent(2), site.particle, kind, 0, 0, 0], weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn average(particle: u32, parents: &[u32]) -> Site {
        Site {
            particle,
            kind: SiteKind::Average {
                parents: parents.iter().map(|parent| (*parent, 1.0 / parents.len() as f64)).collect(),
            },
        }
    }

    #[test]
    fn sites_on_sites_are_on_a_later_level() {
        let sites = [
            average(3, &[0, 1]),
            average(4, &[3, 1]),
            average(5, &[0, 2]),
            average(6, &[4, 5]),
        ];
        let tags: Vec<Vec<u32>> = levels(&sites)
            .iter()
            .map(|level| level.iter().map(|site| site.particle).collect())
            .collect();
        assert_eq!(tags, [vec![3, 5], vec![4], vec![6]]);
    }

    #[test]
    fn a_site_on_four_particles_is_refused_by_name() {
        let parents = (0..4).map(|parent| (parent, [0.25, 0.0, 0.0])).collect();
        let site = Site {
            particle: 9,
            kind: SiteKind::Local {
                parents,
                position_nm: [0.0; 3],
            },
        };
        let error = row(&site).expect_err("four parents");
        assert!(error.contains("site 9 hangs on 4 particles"), "{error}");
    }
}

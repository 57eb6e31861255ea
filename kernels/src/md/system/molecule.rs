//! Which particles belong together.

use super::System;

/// Disjoint sets of particles, joined pair by pair; a set is known by its least member.
#[derive(Clone, Debug)]
pub struct Sets {
    parent: Vec<u32>,
}

impl Sets {
    /// Each particle by itself.
    pub fn new(particles: usize) -> Self {
        Self {
            parent: (0..particles as u32).collect(),
        }
    }

    /// The least member of a particle's set.
    pub fn least(&mut self, mut particle: u32) -> u32 {
        while self.parent[particle as usize] != particle {
            let above = self.parent[particle as usize];
            self.parent[particle as usize] = self.parent[above as usize];
            particle = above;
        }
        particle
    }

    /// Join two particles' sets.
    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.least(a), self.least(b));
        self.parent[a.max(b) as usize] = a.min(b);
    }

    /// All sets, by their least member; members in order.
    pub fn lists(mut self) -> Vec<Vec<u32>> {
        let mut place = vec![usize::MAX; self.parent.len()];
        let mut lists: Vec<Vec<u32>> = Vec::new();
        for particle in 0..self.parent.len() as u32 {
            let least = self.least(particle) as usize;
            if place[least] == usize::MAX {
                place[least] = lists.len();
                lists.push(Vec::new());
            }
            lists[place[least]].push(particle);
        }
        lists
    }
}

impl System {
    /// Molecules, as the barostat moves them: what bonds, pair bonds, constraints and virtual sites connect (angles and exceptions do not).
    pub fn molecules(&self) -> Vec<Vec<u32>> {
        let mut sets = Sets::new(self.atoms());
        self.links().for_each(|[a, b]| sets.join(a, b));
        sets.lists()
    }

    /// For each particle, those that bonds, pair bonds, constraints and virtual sites connect it with, in order.
    pub fn links_of_each(&self) -> Vec<Vec<u32>> {
        let mut neighbors = vec![Vec::new(); self.atoms()];
        for [a, b] in self.links() {
            neighbors[a as usize].push(b);
            neighbors[b as usize].push(a);
        }
        neighbors.iter_mut().for_each(|row| row.sort_unstable());
        neighbors
    }

    fn links(&self) -> impl Iterator<Item = [u32; 2]> {
        let bonds = self.terms.bonds.iter().map(|bond| bond.atoms);
        let pairs = self.terms.pair_bonds.iter().map(|pair| pair.atoms);
        let constraints = self.constraints.all().map(|constraint| constraint.atoms);
        let sites = self.sites.iter().flat_map(|site| {
            let parents = site.kind.parents().into_iter();
            parents.map(|parent| [site.particle, parent])
        });
        bonds.chain(pairs).chain(constraints).chain(sites)
    }
}

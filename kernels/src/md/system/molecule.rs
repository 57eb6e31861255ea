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
        self.terms
            .bonds
            .iter()
            .for_each(|bond| sets.join(bond.atoms[0], bond.atoms[1]));
        self.terms
            .pair_bonds
            .iter()
            .for_each(|pair| sets.join(pair.atoms[0], pair.atoms[1]));
        self.constraints
            .all()
            .for_each(|constraint| sets.join(constraint.atoms[0], constraint.atoms[1]));
        for site in &self.sites {
            site.kind
                .parents()
                .into_iter()
                .for_each(|parent| sets.join(site.particle, parent));
        }
        sets.lists()
    }
}

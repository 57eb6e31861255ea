//! Monte Carlo moves of the volume, as a part of a package.
//!
//! A move is a sequence of passes at the start of a step: the list is made good for the positions, energies are computed and summed, the trial changes the
//! box's scale and moves molecules, list and energies come once more, and the decision keeps the trial or takes it back.
//!
//! Invariant: the part comes after all terms and before the kinetic energy: every energy that is scheduled when it is added is part of the potential.

use crate::md::draft::{Draft, Kernel, Part, Phase};
use crate::md::system::{Barostat, Integrator, Scaling, System};
use crate::md::{BAR_PER_KJ_MOL_NM3, GAS_CONSTANT};
use crate::package::manifest::{Element, Number};
use crate::random::Stream;

/// The first largest change of the volume, as a share of it: OpenMM's.
const FIRST_SIZE: f32 = 0.01;
/// The share of the skin that must be left when the box has shrunk.
const SKIN_LEFT: f64 = 0.25;

/// What fault 10 means.
const FAULT: &str = "the box has become so much smaller than it was at the start that the neighbor list no longer reaches as far as the cutoff: \
    write the state with `baton export --format state.xml` and import it as a new package, whose list is made for the box as it is now";

/// The barostat of a system.
#[derive(Clone, Copy, Debug)]
pub struct VolumeMoves<'a> {
    /// Pressure, temperature, how often.
    pub barostat: Barostat,
    /// Whose molecules move.
    pub system: &'a System,
    /// Reach of the list and what it must not fall below, the cutoff, nm; none without a list.
    pub list_nm: Option<[f64; 2]>,
    /// Seed of the random numbers.
    pub seed: Option<u64>,
}

impl Part for VolumeMoves<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let Some(seed) = self.seed else {
            return draft
                .refuse("the MonteCarloBarostat needs random numbers and there is no seed: choose a number, --seed 7".into());
        };
        draft.integer("seed_low", seed & 0xffff_ffff);
        draft.integer("seed_high", seed >> 32);
        draft.integer("barostat_stream", u64::from(Stream::Barostat as u32));
        draft.fault(10, FAULT);
        draft.scratch("barostat_trial", Element::U32, &["5"]);
        draft.scratch("trial_fault", Element::U32, &["1"]);
        draft.state("barostat_size", Element::F32, &["1"], FIRST_SIZE.to_le_bytes().to_vec());
        draft.state("barostat_counts", Element::U32, &["4"], vec![0; 16]);
        let moves = self.molecules(draft);
        let steps = self.steps();
        draft.list_again("before_trial", steps);
        draft.energies_again("before_trial", steps, None);
        self.propose(draft);
        if moves {
            let scale = Kernel::new("scale_molecules", &["md/barostat/scale_molecules.wgsl"]).over("molecules");
            draft.kernel(Phase::Begin, scale.every(steps[0], steps[1]));
        }
        draft.follow_again("trial", steps);
        draft.list_again("of_trial", steps);
        draft.energies_again("of_trial", steps, Some("trial_fault"));
        self.decide(draft);
        if moves {
            let restore = Kernel::new("restore_molecules", &["md/barostat/restore_molecules.wgsl"]).over("molecule_rows");
            draft.kernel(Phase::Begin, restore.every(steps[0], steps[1]));
        }
        draft.follow_again("decision", steps);
    }
}

impl VolumeMoves<'_> {
    /// Every so many steps, the last of each period: as OpenMM counts, from the trajectory's beginning.
    fn steps(&self) -> [u64; 2] {
        let every = self.barostat.every;
        [every, every - 1 - self.system.step % every]
    }

    /// What moves as a whole, and how many there are of it.
    fn moving(&self) -> (Vec<Vec<u32>>, usize) {
        match self.barostat.scaling {
            Scaling::Particles => (Vec::new(), self.system.atoms()),
            Scaling::Molecules => {
                let molecules = self.system.molecules();
                let count = molecules.len();
                (molecules.into_iter().filter(|molecule| molecule.len() > 1).collect(), count)
            }
        }
    }

    /// Tables of molecules with more than one particle. Whether there are any.
    fn molecules(&self, draft: &mut Draft) -> bool {
        let (molecules, count) = self.moving();
        let kt = GAS_CONSTANT * self.barostat.temperature_k;
        draft.float("barostat_bath", count as f64 * kt);
        draft.float("barostat_rate", kt.recip());
        if molecules.is_empty() {
            return false;
        }
        let mut ranges = Vec::with_capacity(2 * molecules.len());
        let mut rows = Vec::new();
        let neighbors = self.system.links_of_each();
        for molecule in &molecules {
            let first = rows.len();
            ranges.extend([first as u32, molecule.len() as u32]);
            rows.extend(spanning(molecule[0], &neighbors));
            debug_assert_eq!(rows.len() - first, molecule.len(), "links connect a molecule");
        }
        draft.integer("molecules", molecules.len() as u64);
        draft.integer("molecule_rows", rows.len() as u64);
        draft.constant_u32("molecule_ranges", &["molecules", "2"], ranges);
        draft.constant_u32("molecule_atoms", &["molecule_rows", "2"], rows.into_iter().flatten());
        draft.scratch("molecule_offsets", Element::F32, &["molecule_rows", "4"]);
        draft.scratch("molecule_saved", Element::U32, &["molecule_rows", "4"]);
        true
    }

    fn propose(&self, draft: &mut Draft) {
        // At this scale the skin is SKIN_LEFT of what it was: reach - cutoff / s = SKIN_LEFT (reach - cutoff).
        let least = |[reach, cutoff]: [f64; 2]| cutoff / (reach - SKIN_LEFT * (reach - cutoff));
        let least = self.list_nm.map_or(1e-3, least);
        let kernel = Self::decision("barostat_try", "md/barostat/barostat_try.wgsl");
        let [every, offset] = self.steps();
        draft.kernel(
            Phase::Begin,
            kernel.set("barostat_least", Number::Float(least)).every(every, offset),
        );
    }

    fn decide(&self, draft: &mut Draft) {
        let volume_nm3 = draft.cell().cell().volume_nm3();
        draft.float("barostat_work", self.barostat.pressure_bar / BAR_PER_KJ_MOL_NM3 * volume_nm3);
        let kernel = Self::decision("barostat_decide", "md/barostat/barostat_decide.wgsl");
        let [every, offset] = self.steps();
        draft.kernel(Phase::Begin, kernel.every(every, offset));
    }

    fn decision(name: &str, last: &'static str) -> Kernel {
        let files = [
            "random/threefry.wgsl",
            "md/observe/fixed64.wgsl",
            "md/barostat/barostat.wgsl",
            last,
        ];
        Kernel::new(name, &files).canonical()
    }
}

/// A molecule's particles from `first` on, each after the one that it hangs on: tag, and that one's place among them.
fn spanning(first: u32, neighbors: &[Vec<u32>]) -> Vec<[u32; 2]> {
    let mut rows = vec![[first, 0]];
    let mut seen = std::collections::BTreeSet::from([first]);
    let mut next = 0;
    while next < rows.len() {
        let [tag, _] = rows[next];
        for neighbor in &neighbors[tag as usize] {
            if seen.insert(*neighbor) {
                rows.push([*neighbor, next as u32]);
            }
        }
        next += 1;
    }
    rows
}

/// Columns of a box whose size is part of the state: density, g/mL, and edges, nm, from those of the box at the start.
pub fn columns(draft: &mut Draft, density_g_ml: f64, edges: [(&'static str, f64); 3]) {
    let files = ["md/observe/fixed64.wgsl", "md/observe/box_size.wgsl"];
    let groups = draft.kernel(Phase::Observe, Kernel::new("box_size", &files));
    let [scale, inverse_volume] = draft.sums("box_sums", groups, ["scale", "inverse volume"]);
    draft.column("density", "g/mL", inverse_volume, density_g_ml);
    for (name, edge_nm) in edges {
        draft.column(name, "nm", scale, edge_nm);
    }
}

/// What cannot be under a barostat.
pub fn obstacles(system: &System, draft: &mut Draft) {
    let mut refuse = |what: &str| draft.refuse(format!("a MonteCarloBarostat together with {what} cannot be run"));
    if system.terms.gb_obc.is_some() {
        refuse("a GBSAOBCForce");
    }
    if !system.terms.restraints.is_empty() {
        refuse("a CustomExternalForce that holds particles at points of the box");
    }
    if !system.constraints.larger.is_empty() {
        refuse("constraints that connect more than a heavy atom with its hydrogens or a rigid water");
    }
    if system
        .dynamics
        .is_some_and(|dynamics| dynamics.integrator == Integrator::ReversibleVerlet)
    {
        refuse("reversible dynamics");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_come_after_those_that_they_hang_on() {
        // A ring of 4 with a tail.
        let neighbors = [vec![], vec![2, 4], vec![1, 3], vec![2, 4, 5], vec![1, 3], vec![3]];
        assert_eq!(spanning(1, &neighbors), [[1, 0], [2, 0], [4, 0], [3, 1], [5, 3]]);
    }
}

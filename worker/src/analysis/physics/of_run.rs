//! All that is known of a run's physics, from its table and its frames.

use kernels::run::RunDir;

use super::blocks::{self, Mean};
use super::diffusion::{Diffusion, diffusion};
use super::fit::{self, Line};
use super::rdf::{Pair, Rdf, pairs, rdf};
use super::rmsd::{Deviation, of_largest_molecule};
use super::torsion::{self, Torsion};
use super::track::Track;
use crate::analysis::formats::dcd::picoseconds;
use crate::analysis::observables::{self, Table};
use crate::analysis::trajectory::{self, Kinds, RunFrames, Shape};

/// Share of a run that is left out by default.
pub(crate) const EQUILIBRATION: f64 = 1.0 / 6.0;

/// Kinds of atoms that are told apart, at most: more are looked at by their elements, and more elements as one.
const KINDS_MAX: usize = 6;

/// How well energy is conserved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drift {
    /// The line through the energy of one atom: kJ/mol (or the package's unit) per unit of time.
    pub(crate) line: Line,
    /// Slope over the mean kinetic energy of one atom, per unit of time.
    pub(crate) relative: Option<f64>,
    /// The same and its error through means of blocks: over 2 <E_kin> = N_f kT, so in kT per unit of time and degree of freedom.
    pub(crate) per_freedom: Option<(f64, f64)>,
}

/// A run's physics.
#[derive(Clone, Debug)]
pub(crate) struct Physics {
    /// Time (step where there is no unit of time) from which on means, drift, structure and diffusion are taken.
    pub(crate) from: f64,
    /// The observables, all of them.
    pub(crate) table: Table,
    /// What the frames of positions are, where there are some.
    pub(crate) positions: Option<Shape>,
    /// Atoms.
    pub(crate) atoms: u64,
    /// Name of the column that ought to be conserved.
    pub(crate) conserved: Option<&'static str>,
    /// Conservation of energy.
    pub(crate) drift: Option<Drift>,
    /// Kinds of atoms, where there is more than one.
    pub(crate) kinds: Option<Kinds>,
    /// Structure: one for each pair of kinds, as [`pairs`](super::rdf::pairs) lists them.
    pub(crate) rdf: Vec<Rdf>,
    /// How far the largest molecule is from what it was at first.
    pub(crate) deviation: Option<Deviation>,
    /// Torsions that were asked for.
    pub(crate) torsions: Vec<Torsion>,
    /// Diffusion (in length²/ps) of each kind, or why there is none.
    pub(crate) diffusion: Result<Vec<Diffusion>, String>,
}

impl Physics {
    /// Read and compute all of it and the torsions that are asked for, from time `from` on. Without one, the first [`EQUILIBRATION`] of the run is left out: a run that starts
    /// from a lattice spends it on forgetting that.
    ///
    /// # Errors
    /// A file of the run is not whole, or a torsion is of particles that are not there.
    pub(crate) fn of(dir: &RunDir, from: Option<f64>, asked: &[torsion::Asked]) -> anyhow::Result<Self> {
        let table = match observables::text(dir)? {
            Some(text) => observables::parse(&text)?,
            None => Table::default(),
        };
        let length = dir.chain()?.last().map_or(0, |line| line.entry.step) as f64;
        let run = &dir.package().manifest().run;
        let (start, time_per_step) = (run.start_time.unwrap_or(0.0), run.time_per_step.unwrap_or(1.0));
        let mut physics = Self {
            from: from.unwrap_or(start + length * time_per_step * EQUILIBRATION),
            table,
            positions: None,
            atoms: 0,
            conserved: None,
            drift: None,
            kinds: None,
            rdf: Vec::new(),
            deviation: None,
            torsions: Vec::new(),
            diffusion: Err("it needs an output of positions in a periodic box".into()),
        };
        if let Ok(name) = trajectory::choose(dir.package(), None, true) {
            let mut frames = RunFrames::open(dir, &name)?;
            physics.structure(&mut frames)?;
            physics.deviation = of_largest_molecule(dir.package(), &mut frames)?;
            physics.torsions = torsion::of_frames(asked, dir.package(), &mut frames)?;
        }
        physics.conservation();
        Ok(physics)
    }

    /// Mean of a column over what is looked at, with its error.
    pub(crate) fn mean(&self, column: &str) -> Option<Mean> {
        let values: Vec<f64> = self
            .table
            .column(column)?
            .since(self.from)
            .into_iter()
            .map(|point| point.1)
            .collect();
        blocks::mean(&values)
    }

    /// The name of each pair of kinds, `Ar-Ne`; one nameless pair where there is one kind.
    pub(crate) fn pair_names(&self) -> Vec<Option<String>> {
        match &self.kinds {
            None => vec![None],
            Some(kinds) => pairs(kinds.names.len())
                .into_iter()
                .map(|Pair(a, b)| Some(format!("{}-{}", kinds.names[a], kinds.names[b])))
                .collect(),
        }
    }

    /// The name of each kind; one nameless kind where there is one.
    pub(crate) fn kind_names(&self) -> Vec<Option<String>> {
        match &self.kinds {
            None => vec![None],
            Some(kinds) => kinds.names.iter().cloned().map(Some).collect(),
        }
    }

    fn structure(&mut self, frames: &mut RunFrames) -> anyhow::Result<()> {
        use crate::analysis::trajectory::Frames;
        let shape = frames.shape().clone();
        self.atoms = shape.positions()?;
        let few = |kinds: &Kinds| kinds.names.len() <= KINDS_MAX;
        let by_element = || Kinds::of_elements(&shape.symbols).filter(few);
        let kinds = shape.kinds.clone();
        self.kinds = kinds.and_then(|kinds| Some(kinds).filter(few).or_else(by_element));
        if shape.box_edges().is_some() && frames.count() > 0 {
            let track = Track::read(frames, self.from)?;
            let of_row = self.kinds.as_ref().map_or(&[][..], |kinds| &kinds.of_row);
            if !track.paths.is_empty() {
                self.rdf = rdf(&track, shape.unit.as_deref() == Some("nm"), of_row);
            }
            self.diffusion = match shape.time_per_step.as_ref().and_then(|(_, unit)| picoseconds(unit)) {
                Some(ps) => diffusion(&track, ps, of_row),
                None => Err("it needs a unit of time".into()),
            };
        }
        self.positions = Some(shape);
        Ok(())
    }

    /// A column `conserved` goes before `total`: forces that are cut at a distance conserve the energy of the potential shifted to
    /// zero there, while the energy without the shift jumps each time a pair crosses the cutoff.
    fn conservation(&mut self) {
        let atoms = self.atoms as f64;
        let name = ["conserved", "total"]
            .into_iter()
            .find(|name| self.table.column(name).is_some());
        let Some((name, column)) = name.and_then(|name| Some((name, self.table.column(name)?))) else {
            return;
        };
        let points: Vec<(f64, f64)> = column
            .since(self.from)
            .into_iter()
            .map(|(time, energy)| (time, energy / atoms))
            .collect();
        let kinetic = self
            .table
            .column("kinetic")
            .map(|column| column.mean_and_deviation(self.from).0 / atoms);
        if atoms > 0.0 {
            self.drift = fit::line(&points).map(|line| Drift {
                line,
                relative: kinetic.map(|kinetic| line.slope / kinetic),
                per_freedom: kinetic
                    .zip(fit::slope_by_blocks(&points))
                    .map(|(kinetic, (slope, error))| (slope / (2.0 * kinetic), error / (2.0 * kinetic))),
            });
            self.conserved = Some(name);
        }
    }
}

//! OpenMM: what `XmlSerializer` writes of a System, a State and an Integrator, all schema versions up to OpenMM 8.6.
//!
//! | module | owns |
//! |---|---|
//! | `particles` | box, masses, virtual sites and constraints of the System |
//! | `state` | box, positions, velocities, time and parameters of the State |
//! | `forces` | which Force classes are read, by which module, and what to do about the others |
//! | `bonded` | bonds, angles, torsions, CMAP |
//! | `nonbonded` | NonbondedForce |
//! | `custom` | forces given by an expression |
//! | `implicit` | GBSAOBCForce |
//! | `actions` | barostat, removal of centre-of-mass motion |
//! | `integrator` | the Integrator |
//! | `whole` | what needs all three files: periodicity, seeds, velocities, molecules in one piece |
//!
//! Every reader notes what it cannot read and goes on, so that a refusal names all obstacles of the three files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::md::system::{Cell, System, Vector};

use super::obstacles::Obstacles;
use super::xml::{Document, Element};
use super::{ImportError, file};

mod actions;
mod bonded;
mod custom;
mod forces;
mod implicit;
mod integrator;
mod nonbonded;
mod particles;
mod state;
mod whole;

/// OpenMM's three files; each may be gzip.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `XmlSerializer.serialize(system)`.
    pub system: &'a Path,
    /// `XmlSerializer.serialize(state)`.
    pub state: &'a Path,
    /// `XmlSerializer.serialize(integrator)`; may be left out where only energies and forces are asked for.
    pub integrator: Option<&'a Path>,
}

/// What the files may leave open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Seed of all random numbers, instead of the files' own; needed where those are 0.
    pub seed: Option<u64>,
    /// Draw velocities at this temperature, K, instead of taking the State's; needed where it has none.
    pub temperature_k: Option<f64>,
    /// Take the PME grid that a tolerance asks for as OpenMM's Reference platform does, also where its transforms are slow; to be compared with that.
    pub reference_grid: bool,
}

/// A system, and what a person should know about how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The system; it has no [`crate::md::system::check::problems`].
    pub system: System,
    /// Sentences.
    pub notes: Vec<String>,
}

/// What is being read.
struct Reading {
    system: System,
    obstacles: Obstacles,
    notes: Vec<String>,
    /// The System's own box, from which PME's parameters follow.
    default_cell: Option<Cell>,
    /// [`Options::reference_grid`].
    reference_grid: bool,
    /// The State's parameters, which override defaults of the same name.
    parameters: BTreeMap<String, f64>,
    /// The State's box.
    cell: Option<Cell>,
    /// For each force with pairs over a distance: what it is, and whether it is periodic.
    periodic: Vec<(&'static str, bool)>,
    /// Particles whose differences OpenMM takes without regard to the box: what they belong to, and the pair.
    unwrapped: Vec<(&'static str, [u32; 2])>,
    /// Restrained particles whose difference from their points, nm, OpenMM takes without regard to the box.
    anchored: Vec<(u32, Vector)>,
    /// Random seeds of the files, as they stand there.
    seeds: Vec<i64>,
}

impl Reading {
    /// A child element's entries, or none where it is missing.
    fn entries<'a, T>(
        &mut self,
        parent: Element<'a>,
        list: &str,
        entry: &str,
        read: impl FnMut(Element<'a>) -> Result<T, ImportError>,
    ) -> Vec<T> {
        match self.obstacles.take(parent.child(list)) {
            Some(list) => self.obstacles.list(list, entry, read),
            None => Vec::new(),
        }
    }

    /// Note that differences within a term are plain ones, from each particle to the next.
    fn plain(&mut self, what: &'static str, atoms: &[u32]) {
        let pairs = atoms.windows(2).map(|pair| (what, [pair[0], pair[1]]));
        self.unwrapped.extend(pairs);
    }
}

/// Read a system, its state and its integrator.
///
/// # Errors
/// A file cannot be read, is not what it should be, or holds something that cannot be read exactly as OpenMM means it: all such obstacles at once.
pub fn openmm(files: &Files<'_>, options: &Options) -> Result<Imported, ImportError> {
    let mut obstacles = Obstacles::default();
    let paths = [Some(files.system), Some(files.state), files.integrator];
    let texts = paths.map(|path| path.and_then(|path| Some((path, obstacles.take(file::text(path))?))));
    let documents = [0, 1, 2].map(|which| {
        let (path, text) = texts[which].as_ref()?;
        obstacles.take(Document::parse(path, text))
    });
    let mut root = |which: usize, name: &str| {
        let document = documents[which].as_ref()?;
        let root = obstacles.take(document.root(name))?;
        obstacles.take(root.version(if which == 2 { 3 } else { 1 })).map(|_| root)
    };
    let roots = (root(0, "System"), root(1, "State"), root(2, "Integrator"));
    let mut reading = Reading {
        system: System::default(),
        obstacles,
        notes: Vec::new(),
        default_cell: None,
        reference_grid: options.reference_grid,
        parameters: BTreeMap::new(),
        cell: None,
        periodic: Vec::new(),
        unwrapped: Vec::new(),
        anchored: Vec::new(),
        seeds: Vec::new(),
    };
    if let Some(state) = roots.1 {
        state::read(state, options, files.integrator.is_some(), &mut reading);
    }
    if let Some(integrator) = roots.2 {
        integrator::read(integrator, &mut reading);
    }
    if let Some(system) = roots.0 {
        particles::read(system, &mut reading);
        forces::read(system, &mut reading);
    }
    whole::finish(reading, files, options)
}

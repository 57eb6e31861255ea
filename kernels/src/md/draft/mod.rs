//! A molecular package under construction: parts contribute, the draft puts together.
//!
//! | module | owns |
//! |---|---|
//! | `buffers` | buffers and their first contents |
//! | `bonded` | forces of terms of given particles, several in a pass |
//! | [`kernel`] | one dispatch: WGSL files, how many invocations, when |
//! | [`energies`] | partial sums, energies by force class, columns of `observables.csv` |
//! | `moving_box` | a box whose size is part of the state |
//! | `finish` | all of it as a [`Package`](crate::package::Package) |
//!
//! Invariant: everything that follows from something else is derived here, once: workgroup counts from `@workgroup_size`, the
//! order of passes from their phases, energies and their columns from the terms.
//!
//! # Writing a part
//! A part is a force term, the list, an integrator: whatever implements [`Part`]. It adds constants and buffers first, then
//! kernels, each to a [`Phase`]:
//!
//! ```ignore
//! impl Part for Bonds<'_> {
//!     fn contribute(&self, draft: &mut Draft) {
//!         draft.integer("bonds", self.0.len() as u64);
//!         draft.constant_u32("bond_atoms", &["bonds", "2"], self.atoms());
//!         draft.constant_f32("bond_parameters", &["bonds", "4"], self.parameters());
//!         draft.integer_forces();
//!         let bond = ["md/terms/bonds/exact.wgsl", "md/terms/bonds/bond.wgsl"];
//!         let kernel = Kernel::tagged_forces(draft, "bond_forces", &bond, "md/terms/bonds/bond_forces.wgsl");
//!         draft.bonded(kernel.over("bonds"), "bond_forces_of");
//!         let kernel = Kernel::tagged_energies(draft, "bond_energies", &bond, "md/terms/bonds/bond_energies.wgsl");
//!         let groups = draft.kernel(Phase::Observe, kernel.over("bonds"));
//!         let [energy] = draft.sums("bond_sums", groups, ["bonds"]);
//!         draft.energy(Energy::of(ForceClass::HarmonicBond.name(), energy));
//!     }
//! }
//! ```
//!
//! - WGSL files are named by their path below `shaders/`. In the package a file has its own name without folders, which must be
//!   unique; the last one of a kernel holds its entry point.
//! - A WGSL variable binds the buffer of its name; [`Kernel::bind`] says otherwise. `@binding` numbers stay as the file has them. At most 8
//!   storage buffers a kernel. The variable `clock` is the step's number.
//! - An `override` gets the constant of its name; [`Kernel::set`] gives a kernel its own value. Integers are `u32` or `i32`, floats `f32`.
//! - Kernels run in the order of their phases, and within a phase in the order in which they were contributed. Those of
//!   [`Phase::Observe`] run in steps whose energies are kept, all others in every step.
//! - Underflow is [`Underflow::Checked`](crate::package::manifest::Underflow): no f32 result may be subnormal (a test runs the CPU device's checked mode), or ask for [`Kernel::canonical`].
//! - What cannot be run is said with [`Draft::refuse`]; [`Draft::finish`] lists everything that was refused at once.
//!
//! # What every package has
//! | buffer | type, shape, layout | what |
//! |---|---|---|
//! | `positions` | u32 `[atoms, 3]`, vec4, state | fractions of the box's edges, 2³² to the edge: differences wrap by overflow to the nearest image |
//! | `velocities` | f32 `[atoms, 3]`, vec4, state | nm/ps, half a step behind the positions |
//! | `types` | u32 `[atoms]` | each atom's kind |
//! | `kinds` | f32 `[kinds_count, 2]` | by kind: dt/m (ps/u; 0 where the mass is 0), m (u) |
//! | `forces` | f32 `[atoms, 3]`, vec4, observable | all forces of the step, kJ/mol/nm, from [`Phase::Sum`] on |
//! | `fault` | u32 `[1]`, observable | `atomicMax(&fault[0], n)` stops the run with the text of [`Draft::fault`] `n` |
//!
//! | constant | what |
//! |---|---|
//! | `atoms` | number of atoms |
//! | `scale_x`, `scale_y`, `scale_z` | nm for each unit of a position: the box's edges (ax, by, cz) over 2³² |
//! | `cell_*`, `units_*` | those of `md/cell.wgsl`, which serves any box: ask for the file with [`Draft::cell_file`] |
//! | `drift_x`, `drift_y`, `drift_z` | dt 2³² / edge, ps/nm: velocity to units a step (in rectangular boxes alone) |
//!
//! The list adds `sorted` and `origin` (by slot: atoms in sorted order), `clusters`, `slots`; see [`super::list`].
//!
//! # Forces
//! Integer sums ([`Draft::integer_forces`]): `force_sums`, i32 `[atoms, 3]` packed, by tag (an atom's index), in units of 2⁻¹⁴ kJ/mol/nm
//! ([`Draft::force_units`] says otherwise). It is 0 when a step begins; kernels of [`Phase::Forces`] add each contribution, rounded to nearest by itself, with
//! `atomicAdd` whose result is unused, so that order cannot show. The constant `force_scale` is 2¹⁴ (units for
//! 1 kJ/mol/nm), `force_unit` its inverse. A contribution that does not fit 31 bits is fault 6. Partial sums may wrap around.
//! A term that works on sorted atoms may use `slot_force_sums` (the same, by slot, four words a row; [`Draft::slot_forces`]); it is 0 again once it was gathered.
//!
//! [`Phase::Sum`] makes `forces` of the sums by tag, of those by slot and of the reciprocal sum's force on each atom ([`Draft::reciprocal_force`]), in one pass, which
//! leaves the sums at 0. Where there are virtual sites, or more than eight buffers to bind, [`Phase::Gather`] adds all to the sums by tag first, and in [`Phase::Spread`] sites hand theirs over.
//! Where sums by slot are all there is, [`Phase::Sum`] goes by slot.
//!
//! # Energies
//! A term's [`Phase::Observe`] kernel leaves, for each workgroup `g` and quantity `q`, a 64-bit sum (`fixed64.wgsl`: 2⁻³² kJ/mol, low word first) in
//! element `g * quantities + q` of an `array<vec2<u32>>`, the buffer that [`Draft::sums`] declares; the draft adds the workgroups up, makes
//! potential, total and pressure of them, and the columns.

use std::collections::BTreeMap;

use super::fixed_cell::FixedCell;
use super::{MdError, Plan};
use crate::package::manifest::{Buffer, Element, Layout, Number, Output, Role, Setting};

mod bonded;
mod buffers;
pub mod energies;
mod finish;
pub mod kernel;
mod moving_box;

pub use energies::{Energy, Slot};
pub use kernel::Kernel;
pub use moving_box::BOX_SCALE;

use bonded::BondedForces;
use buffers::{buffer, floats, words};
use energies::Energies;
use kernel::Scheduled;

/// Units of integer force sums in 1 kJ/mol/nm, unless the draft says otherwise.
pub const FORCE_UNITS: f64 = 16_384.0;

/// 2³²: units of a position to the box's edge.
const ONE: f64 = 4_294_967_296.0;

/// A part of a package.
pub trait Part {
    /// Add constants, buffers, kernels, energies.
    fn contribute(&self, draft: &mut Draft);
}

/// When in a step a kernel runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// What acts on positions before the forces: a barostat.
    Begin,
    /// Sorting and the neighbor list.
    List,
    /// Integer sums become 0.
    Clear,
    /// Force terms.
    Forces,
    /// Where there are virtual sites, or too many buffers for one pass, everything is added to the sums by tag (the draft's own kernel).
    Gather,
    /// `force_sums` holds every contribution: what virtual sites feel goes over to the atoms that they hang on.
    Spread,
    /// Integer sums become `forces` (the draft's own kernel).
    Sum,
    /// Energies, in steps that keep them. Positions, forces and half-step velocities of one step are at hand.
    Observe,
    /// Forces change velocities; what acts on velocities comes first: removal of the centre's motion.
    Kick,
    /// Velocities change positions: displacements, constraints, the move itself, in the integrator's own order.
    Drift,
    /// Virtual sites follow their atoms.
    Place,
    /// What follows the new positions: the list's own copy.
    After,
}

/// Name and length of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The package's name: lower-case letters, digits and `-`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Time step, ps.
    pub dt_ps: f64,
    /// Length of a run.
    pub plan: Plan,
}

/// The atoms.
#[derive(Clone, Debug, PartialEq)]
pub struct Atoms {
    /// The box.
    pub cell: FixedCell,
    /// Fractions of the box's edges, `[n, 3]`.
    pub positions: Vec<[u32; 3]>,
    /// Velocities, nm/ps, `[n, 3]`.
    pub velocities_nm_ps: Vec<[f64; 3]>,
    /// Each atom's kind, `[n]`.
    pub kind_of: Vec<u32>,
    /// Mass of each kind, u; 0 for what does not move by itself.
    pub masses_u: Vec<f64>,
}

/// A package under construction.
#[derive(Debug)]
pub struct Draft {
    head: Head,
    cell: FixedCell,
    constants: BTreeMap<String, Number>,
    buffers: Vec<Buffer>,
    init: BTreeMap<String, Vec<u8>>,
    scheduled: Vec<Scheduled>,
    outputs: Vec<Output>,
    energies: Energies,
    faults: BTreeMap<String, String>,
    grow: BTreeMap<String, Vec<String>>,
    settings: BTreeMap<String, Setting>,
    refused: Vec<String>,
    start: Option<(f64, u64)>,
    force_units: f64,
    integer_forces: bool,
    slot_forces: bool,
    reciprocal_force: Vec<&'static str>,
    bonded: Vec<BondedForces>,
    moving_box: bool,
}

impl Draft {
    /// A draft that holds the atoms and nothing that moves them.
    pub fn new(head: Head, atoms: &Atoms) -> Self {
        let mut draft = Self {
            head,
            cell: atoms.cell,
            constants: BTreeMap::new(),
            buffers: Vec::new(),
            init: BTreeMap::new(),
            scheduled: Vec::new(),
            outputs: Vec::new(),
            energies: Energies::default(),
            faults: BTreeMap::new(),
            grow: BTreeMap::new(),
            settings: BTreeMap::new(),
            refused: Vec::new(),
            start: None,
            force_units: FORCE_UNITS,
            integer_forces: false,
            slot_forces: false,
            reciprocal_force: Vec::new(),
            bonded: Vec::new(),
            moving_box: false,
        };
        let dt_ps = draft.head.dt_ps;
        draft.integer("atoms", atoms.positions.len() as u64);
        draft.integer("kinds_count", atoms.masses_u.len() as u64);
        let edges_nm = atoms.cell.cell().diagonal_nm();
        for (axis, edge) in ["x", "y", "z"].into_iter().zip(edges_nm) {
            draft.float(&format!("scale_{axis}"), edge / ONE);
            draft.float(&format!("drift_{axis}"), dt_ps * ONE / edge);
        }
        let positions = Buffer {
            layout: Layout::Vec4,
            scale: Some(match atoms.cell.cell().is_rectangular() {
                true => edges_nm.map(|edge| edge / ONE).to_vec(),
                false => atoms.cell.cell().vectors_nm.as_flattened().iter().map(|x| x / ONE).collect(),
            }),
            unit: Some("nm".into()),
            ..buffer("positions", Element::U32, &["atoms", "3"], Role::State)
        };
        draft.initialised(positions, words(atoms.positions.iter().flatten().copied()));
        let velocities = Buffer {
            layout: Layout::Vec4,
            unit: Some("nm/ps".into()),
            ..buffer("velocities", Element::F32, &["atoms", "3"], Role::State)
        };
        draft.initialised(velocities, floats(atoms.velocities_nm_ps.iter().flatten().copied()));
        draft.constant_u32("types", &["atoms"], atoms.kind_of.iter().copied());
        let kinds = atoms
            .masses_u
            .iter()
            .flat_map(|mass| [if *mass == 0.0 { 0.0 } else { dt_ps / mass }, *mass]);
        draft.constant_f32("kinds", &["kinds_count", "2"], kinds);
        draft.buffer(Buffer {
            layout: Layout::Vec4,
            unit: Some("kJ/mol/nm".into()),
            ..buffer("forces", Element::F32, &["atoms", "3"], Role::Observable)
        });
        draft.buffer(buffer("fault", Element::U32, &["1"], Role::Observable));
        draft
    }

    /// The starting state is that of a time, ps, and so many steps were made before it.
    pub fn start(&mut self, time_ps: f64, step: u64) {
        self.start = Some((time_ps, step));
    }

    /// Let a part contribute.
    pub fn add(&mut self, part: &dyn Part) -> &mut Self {
        part.contribute(self);
        self
    }

    /// The box.
    pub fn cell(&self) -> FixedCell {
        self.cell
    }

    /// Whether all vectors of the box lie along their axes.
    pub fn is_rectangular(&self) -> bool {
        self.cell.cell().is_rectangular()
    }

    /// The file with `cell_nm` and `cell_units` for any box, `md/cell.wgsl`, with its constants; `md/cell_scaled.wgsl` where its size is part of the state.
    pub fn cell_file(&mut self) -> &'static str {
        let fixed = self.first_cell_file();
        if self.moving_box { "md/cell_scaled.wgsl" } else { fixed }
    }

    /// `md/cell.wgsl`, with its constants: the box at the start.
    pub fn first_cell_file(&mut self) -> &'static str {
        for (name, value) in self.cell.constants() {
            self.float(name, value);
        }
        "md/cell.wgsl"
    }

    /// Name and length of the run.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// An integer constant.
    pub fn integer(&mut self, name: &str, value: u64) {
        self.number(name, Number::Integer(value.cast_signed()));
    }

    /// A float constant; the device rounds it to f32.
    pub fn float(&mut self, name: &str, value: f64) {
        self.number(name, Number::Float(value));
    }

    /// A constant that is true or false.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.number(name, Number::Bool(value));
    }

    fn number(&mut self, name: &str, value: Number) {
        if let Some(other) = self.constants.insert(name.to_owned(), value)
            && other != value
        {
            self.refuse(format!("constant '{name}' is given as {other} and as {value}"));
        }
    }

    /// Value of an integer constant that was given before.
    pub(super) fn integer_of(&mut self, count: &str) -> u64 {
        if let Ok(value) = count.parse() {
            return value;
        }
        match self.constants.get(count) {
            Some(Number::Integer(value)) => value.cast_unsigned(),
            _ => {
                self.refuse(format!(
                    "found no integer constant '{count}', which a buffer or kernel is counted by"
                ));
                1
            }
        }
    }

    /// A kernel of a phase. Returns how many workgroups it has at most, which partial sums are counted by.
    pub fn kernel(&mut self, phase: Phase, kernel: Kernel) -> u64 {
        let groups = kernel.groups(self);
        self.scheduled.push(Scheduled { phase, kernel });
        groups
    }

    /// What a value of `fault` means.
    pub fn fault(&mut self, value: u32, meaning: &str) {
        self.faults.insert(value.to_string(), meaning.to_owned());
    }

    /// A value of `fault` that asks for room: these constants are doubled and the segment is computed again. Above all other values, so that what
    /// follows from a lack of room does not hide it.
    pub fn grow(&mut self, value: u32, constants: &[&str], meaning: &str) {
        self.fault(value, meaning);
        self.grow
            .insert(value.to_string(), constants.iter().map(|&name| name.to_owned()).collect());
    }

    /// A quantity that may be set when a run is begun.
    pub fn setting(&mut self, name: &str, setting: Setting) {
        self.settings.insert(name.to_owned(), setting);
    }

    /// A frame of a buffer every so many steps, taken before the step's forces.
    pub fn frames(&mut self, buffer: &str, every: u64) {
        self.outputs.push(Output {
            name: buffer.to_owned(),
            buffer: buffer.to_owned(),
            every,
            after: None,
            columns: Vec::new(),
        });
    }

    /// This part adds to `force_sums`.
    pub fn integer_forces(&mut self) {
        self.integer_forces = true;
    }

    /// This part adds to `slot_force_sums`.
    pub fn slot_forces(&mut self) {
        self.slot_forces = true;
    }

    /// Files that end with one that defines `reciprocal_force`, as `md/terms/pme/pme_force.wgsl` does: it is added where forces are summed up.
    pub fn reciprocal_force(&mut self, files: &[&'static str]) {
        self.reciprocal_force = files.to_vec();
    }

    /// Units of integer force sums in 1 kJ/mol/nm, instead of [`FORCE_UNITS`]: a power of two. For drafts whose integrator reads `forces`.
    pub fn force_units(&mut self, units: f64) {
        self.force_units = units;
    }

    /// Something that cannot be run; everything that was refused is listed by [`Draft::finish`].
    pub fn refuse(&mut self, obstacle: String) {
        self.refused.push(obstacle);
    }

    fn refusal(&self) -> Result<(), MdError> {
        match &self.refused[..] {
            [] => Ok(()),
            [one] => Err(MdError::System(one.clone())),
            all => Err(MdError::System(format!("{} obstacles:\n- {}", all.len(), all.join("\n- ")))),
        }
    }
}

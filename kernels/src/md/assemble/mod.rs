//! A general system as a package: which parts it is made of, and by name what cannot be run.
//!
//! | module | owns |
//! |---|---|
//! | `interactions` | force terms, the list that they share, the reciprocal sum |
//! | `motion` | integrator, constraints, virtual sites |

mod interactions;
mod motion;

use super::draft::{Atoms, BOX_SCALE, Draft, Head};
use super::fixed_cell::{FixedCell, OPEN_EDGE_NM};
use super::motion::barostat;
use super::system::{Cell, System, Vector, check};
use super::{MdError, Plan};
use crate::package::Package;

/// One u/nm³ in g/mL (CODATA 2018).
const GRAMS_PER_ML: f64 = 1.660_539_066_60e-3;

impl System {
    /// The system as a kernel package. Without dynamics, one that can be evaluated and does not move.
    ///
    /// # Errors
    /// Everything that is wrong with the system, or that cannot be run.
    pub fn package(&self, plan: Plan) -> Result<Package, MdError> {
        let mut draft = self.draft(plan)?;
        if self.time_ps != 0.0 || self.step != 0 {
            draft.start(self.time_ps, self.step);
        }
        if self.barostat().is_some() {
            barostat::obstacles(self, &mut draft);
            draft.move_box();
        }
        let list_nm = self.interactions(&mut draft);
        self.reciprocal(&mut draft);
        self.volume_moves(list_nm, &mut draft);
        self.density(&mut draft);
        self.motion(&mut draft);
        draft.frames("positions", plan.positions_every);
        if draft.is_box_moving() {
            draft.frames(BOX_SCALE, plan.positions_every);
        }
        draft.finish()
    }

    /// Columns of the box and its density.
    fn density(&self, draft: &mut Draft) {
        if self.cell.is_none() {
            return;
        }
        let cell = draft.cell().cell();
        let mass_u: f64 = self.particles.iter().map(|particle| particle.mass_u).sum();
        let density = mass_u * GRAMS_PER_ML / cell.volume_nm3();
        let [x, y, z] = cell.diagonal_nm();
        let edges = [("box_x", x), ("box_y", y), ("box_z", z)];
        if draft.is_box_moving() {
            return barostat::columns(draft, density, edges);
        }
        draft.fixed_column("density", "g/mL", density);
        for (name, edge_nm) in edges {
            draft.fixed_column(name, "nm", edge_nm);
        }
    }

    /// A draft that holds the particles.
    ///
    /// # Errors
    /// What is wrong with the system.
    pub fn draft(&self, plan: Plan) -> Result<Draft, MdError> {
        let problems = check::problems(self);
        if !problems.is_empty() {
            return Err(MdError::System(problems.join("\n")));
        }
        let head = Head {
            name: self.name.clone(),
            description: self.description.clone(),
            dt_ps: self.dynamics.map_or(0.001, |dynamics| dynamics.step_ps),
            plan,
        };
        let open = Cell::rectangular([OPEN_EDGE_NM; 3]);
        let cell = FixedCell::new(self.cell.unwrap_or(open)).map_err(MdError::System)?;
        let kinds = self.kinds();
        let atoms = Atoms {
            cell,
            positions: self.fixed_positions(cell.cell()),
            velocities_nm_ps: self.velocities_nm_ps.clone(),
            masses_u: kinds.kinds.iter().map(|kind| kind.particle.mass_u).collect(),
            kind_of: kinds.of,
        };
        Ok(Draft::new(head, &atoms))
    }

    /// Positions as fractions of the box of the source, not of the rounded one; without a box, around the middle of the one that stands for it.
    fn fixed_positions(&self, rounded: Cell) -> Vec<[u32; 3]> {
        let cell = self.cell.unwrap_or(rounded);
        self.positions_nm
            .iter()
            .map(|point| self.fixed_position(cell, *point))
            .collect()
    }

    fn fixed_position(&self, cell: Cell, point_nm: Vector) -> [u32; 3] {
        let shift = if self.cell.is_some() { 0.0 } else { 0.5 * OPEN_EDGE_NM };
        let word = |fraction: f64| (fraction.rem_euclid(1.0) * 4_294_967_296.0).round() as u64 as u32;
        cell.fractions(point_nm.map(|x| x + shift)).map(word)
    }
}

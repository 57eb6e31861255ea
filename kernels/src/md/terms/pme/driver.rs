//! Particle mesh Ewald as constants and tables for the shaders `pme_*.wgsl`.

use super::fft::FftPlan;
use super::twin;
use crate::md::system::Cell;
use crate::md::system::nonbonded::{COULOMB, PME_GRID_MIN};

/// Units of the grid of charges to one elementary charge: 2²⁶. In water the largest value is 0.2 e; the grid holds 32 e a point, and 16 e are a fault.
pub const CHARGE_UNITS: f64 = 67_108_864.0;
/// The largest charge that may be spread, e: its largest share of a grid point, 0.215, stays far below the grid's 32 e.
pub const CHARGE_MAX: f64 = 64.0;
/// Frequencies m with exp(−π²m²/α²) below e to minus this, 1e-9, are left out: so small a share of the forces that f32 does not show it.
const EXPONENT_MAX: f64 = 20.72;
/// Points that a row of a grid has more than there are: an atom spreads over five.
const ROW_EXTRA: u64 = 4;

/// The reciprocal sum of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Pme {
    cell: Cell,
    alpha_per_nm: f64,
    plans: [FftPlan; 3],
    /// Frequencies along y and z that are kept: up to these, and along y down to minus these.
    highest: [u64; 2],
}

impl Pme {
    /// For a splitting parameter and a grid.
    ///
    /// # Errors
    /// `alpha_per_nm` is not a positive number, or a number of grid points is not between 6 and 256.
    pub fn new(cell: Cell, alpha_per_nm: f64, grid: [u32; 3]) -> Result<Self, String> {
        if !(alpha_per_nm.is_finite() && alpha_per_nm > 0.0) {
            return Err(format!("PME: alpha is {alpha_per_nm} 1/nm, expected a positive number"));
        }
        if let Some(points) = grid.iter().find(|points| **points < PME_GRID_MIN) {
            return Err(format!(
                "PME: a grid of {points} points along an edge, expected {PME_GRID_MIN} or more"
            ));
        }
        let plan =
            |points| FftPlan::new(points).map_err(|error| format!("PME: {error}; larger grids need a coarser tolerance"));
        let [x, y, z] = grid;
        let plans = [plan(x)?, plan(y)?, plan(z)?];
        // The number of a frequency m along a vector of the cell is their product, at most the product of their lengths.
        let highest = [1, 2].map(|axis| {
            let length_nm = libm::hypot(
                cell.vectors_nm[axis][0],
                libm::hypot(cell.vectors_nm[axis][1], cell.vectors_nm[axis][2]),
            );
            (length_nm * alpha_per_nm * EXPONENT_MAX.sqrt() / std::f64::consts::PI) as u64
        });
        Ok(Self {
            cell,
            alpha_per_nm,
            plans,
            highest,
        })
    }

    /// With all frequencies of the grid, for a box that may grow.
    #[must_use]
    pub fn with_all_frequencies(self) -> Self {
        Self {
            highest: [u64::MAX; 2],
            ..self
        }
    }

    /// Points along each edge.
    pub fn grid(&self) -> [u32; 3] {
        [0, 1, 2].map(|axis| self.plans[axis].size)
    }

    /// Plans of the transforms along x, y, z.
    pub fn plans(&self) -> &[FftPlan; 3] {
        &self.plans
    }

    /// Rows along z.
    pub fn rows(&self) -> u64 {
        let [x, y, _] = self.grid();
        u64::from(x) * u64::from(y)
    }

    /// Rows that there is room for: as many as whole workgroups transform, two a line.
    pub fn rows_room(&self) -> u64 {
        self.rows().next_multiple_of(2 << self.plans[2].lines_log)
    }

    /// Points of a row of the grids of charges and of the potential: longer by what an atom at its end reaches over it, and a multiple of four.
    pub fn row(&self) -> u64 {
        (u64::from(self.grid()[2]) + ROW_EXTRA).next_multiple_of(4)
    }

    /// Points of a grid, with the rows that there is room for.
    pub fn grid_room(&self) -> u64 {
        self.rows_room() * self.row()
    }

    /// Frequencies kept along z: those from 0 on, since the others are their conjugates.
    fn kept_z(&self) -> u64 {
        u64::from(self.grid()[2] / 2).min(self.highest[1]) + 1
    }

    /// Frequencies kept along z, filled up so that whole workgroups transform them.
    pub fn columns(&self) -> u64 {
        let [x, y, _] = &self.plans;
        self.kept_z().next_multiple_of(1 << x.lines_log.max(y.lines_log))
    }

    /// Frequencies along y from 0 up that are kept, and how many behind those are left out.
    fn kept_y(&self) -> [u64; 2] {
        let y = u64::from(self.grid()[1]);
        let highest = self.highest[0];
        if highest >= y / 2 {
            return [y, 0];
        }
        [highest + 1, y - (2 * highest + 1)]
    }

    /// Integer constants of the shaders.
    pub fn integers(&self) -> [(&'static str, u64); 12] {
        let [x, y, z] = self.grid().map(u64::from);
        let [up, left_out] = self.kept_y();
        [
            ("pme_nx", x),
            ("pme_ny", y),
            ("pme_nz", z),
            ("pme_columns", self.columns()),
            ("pme_waves_z", self.kept_z()),
            ("pme_waves_y_up", up),
            ("pme_waves_y_left_out", left_out),
            ("pme_rows", self.rows()),
            ("pme_row", self.row()),
            ("pme_grid_points", self.grid_room()),
            ("pme_waves_half", self.rows_room() * self.columns()),
            ("pme_waves_count", 2 * self.rows_room() * self.columns()),
        ]
    }

    /// Float constants of the shaders.
    pub fn floats(&self) -> [(&'static str, f64); 2] {
        [
            ("pme_strength", COULOMB / (std::f64::consts::PI * self.cell.volume_nm3())),
            ("pme_decay", (std::f64::consts::PI / self.alpha_per_nm).powi(2)),
        ]
    }

    /// Workgroups of the transforms: along z (pairs of rows), y and x.
    pub fn workgroups(&self) -> [(&'static str, u64); 3] {
        let [nx, ny, _] = self.grid().map(u64::from);
        let [x, y, z] = &self.plans;
        [
            ("pme_groups_z", z.workgroups(self.rows().div_ceil(2))),
            ("pme_groups_y", y.workgroups(nx * self.columns())),
            ("pme_groups_x", x.workgroups((ny - self.kept_y()[1]) * self.columns())),
        ]
    }

    /// Frequencies of x, then y, then z, with those along z that there is room for: where lines along x are transformed beyond the last one, there is nothing.
    fn frequencies(&self) -> usize {
        let [x, y, z] = self.grid().map(u64::from);
        (x + y + z.max(self.columns())) as usize
    }

    /// `pme_moduli`: 1 / B for each frequency of x, then y, then z, then 0 where there is room for more; B = |Σ_j M5(j + 1) exp(2πi k j / N)|². Where that is below 1e-7 its
    /// neighbours' mean stands for it, as in OpenMM.
    pub fn moduli(&self) -> Vec<f64> {
        let grid = self.grid();
        let moduli = grid.iter().flat_map(|n| twin::moduli(*n as usize));
        let mut inverse: Vec<f64> = moduli.map(|b| 1.0 / b).collect();
        inverse.resize(self.frequencies(), 0.0);
        inverse
    }

    /// `pme_axes` of a rectangular box, rows of 2: for each frequency of x, then y, then z, exp(−π²m²/α²) / B, and m², nm⁻², then 0 as in `pme_moduli`; none for any other cell. What is below
    /// e⁻²⁸ is 0, so that no product of three is too small for f32.
    pub fn axes(&self) -> Option<Vec<f64>> {
        let mut moduli = self.moduli().into_iter();
        let mut axes = Vec::new();
        for (n, edge_nm) in self.grid().into_iter().zip(self.cell.diagonal_nm()) {
            for k in 0..n {
                let count = f64::from(k) - if k >= n.div_ceil(2) { f64::from(n) } else { 0.0 };
                let square = (count / edge_nm).powi(2);
                let exponent = (std::f64::consts::PI / self.alpha_per_nm).powi(2) * square;
                let decay = if exponent > 28.0 { 0.0 } else { libm::exp(-exponent) };
                axes.extend([decay * moduli.next()?, square]);
            }
        }
        axes.resize(2 * self.frequencies(), 0.0);
        self.cell.is_rectangular().then_some(axes)
    }

    /// `pme_charges` of charges in e.
    ///
    /// # Errors
    /// A charge is not a number of magnitude up to [`CHARGE_MAX`]: which.
    pub fn charges(charges_e: &[f64]) -> Result<Vec<f64>, String> {
        let bad = charges_e.iter().position(|q| q.is_nan() || q.abs() > CHARGE_MAX);
        if let Some(tag) = bad {
            return Err(format!(
                "particle {tag}: charge {} e, expected a magnitude of {CHARGE_MAX} at most",
                charges_e[tag]
            ));
        }
        Ok(charges_e.iter().map(|q| q * CHARGE_UNITS).collect())
    }

    /// What atoms do not feel but the energy contains, kJ/mol: the self energy.
    pub fn self_energy(&self, charges_e: &[f64]) -> f64 {
        twin::self_energy(self.alpha_per_nm, charges_e)
    }

    /// The energy of a net charge's neutralising background, kJ/mol.
    pub fn background_energy(&self, charges_e: &[f64]) -> f64 {
        twin::net_charge(&self.cell, self.alpha_per_nm, charges_e)
    }
}

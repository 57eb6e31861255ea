//! The draft as a package: what all parts need together, then the manifest.

use std::collections::BTreeMap;

use protocol::Tier;

use super::energies::Table;
use super::{Draft, Kernel, Phase};
use crate::md::MdError;
use crate::package::Package;
use crate::package::manifest::{Element, Evaluate, Manifest, Number, Output, Run};

/// Words that a workgroup clears at least: 16 for each of its 64 invocations.
const CLEAR_PIECE: u64 = 1024;
/// Workgroups that clear a buffer at most.
const CLEAR_GROUPS: u64 = 4096;

impl Draft {
    /// The package.
    ///
    /// # Errors
    /// Everything that parts refused; or what the package's own checks find.
    pub fn finish(mut self) -> Result<Package, MdError> {
        self.bonded_forces();
        self.sum_forces();
        let table = self.totals();
        self.scheduled.sort_by_key(|scheduled| scheduled.phase);
        let shaders = self.shaders();
        self.refusal()?;
        // A barostat decides by a temperature of its own, which would have to follow.
        if self.constants.contains_key("barostat_rate") {
            self.settings.remove("temperature");
        }
        let name_of = |phase: Phase| {
            let of_phase = self.scheduled.iter().rev().find(|scheduled| scheduled.phase == phase);
            of_phase.map(|scheduled| scheduled.kernel.name().to_owned())
        };
        let observe = name_of(Phase::Observe);
        // Nothing moves until the step's forces are summed up.
        let list = name_of(Phase::List).or_else(|| name_of(Phase::Sum));
        let plan = self.head.plan;
        // Frames belong to the positions that the step's forces are computed at.
        let frames = self.outputs.into_iter().map(|output| Output {
            after: list.clone(),
            ..output
        });
        let energies = Output {
            name: "energies".into(),
            buffer: "energies".into(),
            every: plan.energies_every,
            after: observe.clone(),
            columns: table.columns,
        };
        let passes = self.scheduled.iter().map(|scheduled| {
            let observed = scheduled.phase == Phase::Observe;
            scheduled.kernel.pass(if observed { plan.energies_every } else { 1 })
        });
        let manifest = Manifest {
            format: 1,
            name: self.head.name,
            version: "1".into(),
            description: self.head.description,
            tier: Tier::Portable,
            run: Run {
                steps_per_segment: plan.steps_per_segment,
                segments: plan.segments,
                time_per_step: Some(self.head.dt_ps),
                time_unit: Some("ps".into()),
                start_time: self.start.map(|(time_ps, _)| time_ps),
                start_step: self.start.map(|(_, step)| step),
                done: None,
            },
            constants: self.constants,
            buffers: self.buffers,
            passes: passes.collect(),
            outputs: std::iter::once(energies).chain(frames).collect(),
            faults: self.faults,
            grow: self.grow,
            parent: None,
            evaluate: observe.map(|until| Evaluate {
                until,
                energies: table.classes.into_iter().collect(),
                forces: "forces".into(),
            }),
            settings: self.settings,
        };
        Ok(Package::new(manifest, shaders, self.init)?)
    }

    /// Integer sums are made to `forces`, and to 0.
    fn sum_forces(&mut self) {
        if !(self.integer_forces || self.slot_forces) {
            return;
        }
        let units = self.force_units;
        self.float("force_scale", units);
        self.float("force_unit", units.recip());
        self.fault(6, &force_fault(units));
        if self.slot_forces {
            self.scratch("slot_force_sums", Element::I32, &["slots", "4"]);
        }
        if !self.integer_forces {
            let kernel = Kernel::new("sum_forces", &["md/terms/sum_slot_forces.wgsl"]).over("atoms");
            self.kernel(Phase::Sum, kernel);
            return;
        }
        self.scratch("force_sums", Element::I32, &["atoms", "3"]);
        let [no_slots, no_reciprocal] = ["md/terms/slot_sums_none.wgsl", "md/terms/reciprocal_none.wgsl"];
        let slots = if self.slot_forces {
            "md/terms/slot_sums.wgsl"
        } else {
            no_slots
        };
        let mut more = std::mem::take(&mut self.reciprocal_force);
        if more.is_empty() {
            more.push(no_reciprocal);
        }
        more.push(slots);
        let sum = |more: &[&'static str]| {
            let files = [more, &["md/terms/sum_forces.wgsl"]].concat();
            Kernel::new("sum_forces", &files).over("atoms")
        };
        let mut kernel = sum(&more);
        if !kernel.fits() || self.scheduled.iter().any(|scheduled| scheduled.phase == Phase::Spread) {
            let files = [&more[..], &["md/terms/gather_forces.wgsl"]].concat();
            self.kernel(Phase::Gather, Kernel::new("gather_forces", &files).over("atoms"));
            kernel = sum(&[no_reciprocal, no_slots]);
        }
        self.kernel(Phase::Sum, kernel);
    }

    /// Set a buffer of rows of so many integers to 0 in [`Phase::Clear`].
    pub(in crate::md) fn clear(&mut self, buffer: &str, rows: &str, row_words: u64) {
        let words = row_words * self.integer_of(rows);
        self.kernel(Phase::Clear, self.clearing(buffer, words));
    }

    /// The kernel that sets so many integers of a buffer to 0.
    pub(in crate::md) fn clearing(&self, buffer: &str, words: u64) -> Kernel {
        let piece = words.div_ceil(CLEAR_GROUPS).next_multiple_of(64).max(CLEAR_PIECE);
        let integer = |value: u64| Number::Integer(value.cast_signed());
        Kernel::new(&format!("clear_{buffer}"), &["md/terms/clear_sums.wgsl"])
            .workgroups(&words.div_ceil(piece).to_string())
            .bind("sums", buffer)
            .set("sums_words", integer(words))
            .set("sums_piece", integer(piece))
    }

    /// The pass that makes energies of the slots.
    fn totals(&mut self) -> Table {
        let table = self.energies.table(self.cell.cell().volume_nm3());
        let quantities = table.weights.len();
        self.integer("energy_slots_count", table.slots as u64);
        self.integer("energy_quantities", quantities as u64);
        self.scratch("energy_slots", Element::U32, &["energy_slots_count", "2"]);
        self.observable("energies", Element::U32, &[&(2 * quantities).to_string()]);
        let weights = table.weights.iter().flatten().copied();
        self.constant_i32("energy_weights", &["energy_quantities", "energy_slots_count"], weights);
        let files = ["md/observe/fixed64.wgsl", "md/observe/totals.wgsl"];
        self.kernel(Phase::Observe, Kernel::new("totals", &files).over("energy_quantities"));
        table
    }

    /// Texts of all files, by the names that the package gives them.
    fn shaders(&mut self) -> BTreeMap<String, String> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let mut twice = Vec::new();
        for (name, text) in self.scheduled.iter().flat_map(|scheduled| scheduled.kernel.texts()) {
            let other = texts.insert(name.clone(), text.to_owned());
            if other.is_some_and(|other| other != text) {
                twice.push(format!(
                    "two files have the name {name}: a package holds files without folders"
                ));
            }
        }
        twice.into_iter().for_each(|obstacle| self.refuse(obstacle));
        texts
    }
}

/// What fault 6 means where 1 kJ/mol/nm has so many units.
fn force_fault(units: f64) -> String {
    let most = 2f64.powi(30) / units;
    format!(
        "two particles push each other with more than {most} kJ/mol/nm: atoms overlap; use a smaller time step, or minimise the energy of the starting state"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::Plan;
    use crate::md::draft::{Atoms, Head};
    use crate::md::fixed_cell::FixedCell;
    use crate::md::system::Cell;

    /// No device takes more than 65,535 workgroups along an axis.
    #[test]
    fn however_many_words_are_cleared_by_few_workgroups() {
        let head = Head {
            name: "sums".into(),
            description: String::new(),
            dt_ps: 0.001,
            plan: Plan {
                steps_per_segment: 1,
                segments: 1,
                energies_every: 1,
                positions_every: 1,
            },
        };
        let atoms = Atoms {
            cell: FixedCell::new(Cell::rectangular([3.0; 3])).expect("a box"),
            positions: vec![[0; 3]],
            velocities_nm_ps: vec![[0.0; 3]],
            kind_of: vec![0],
            masses_u: vec![1.0],
        };
        let mut draft = Draft::new(head, &atoms);
        for (words, groups) in [(1, 1), (1025, 2), (262_145, 257), (1 << 31, 4096)] {
            let kernel = draft.clearing("sums", words);
            assert_eq!(draft.kernel(Phase::Clear, kernel), groups, "{words}");
        }
    }
}

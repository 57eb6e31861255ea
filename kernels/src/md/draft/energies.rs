//! Energies of a draft: partial sums of workgroups, energies by force class, quantities and columns made of them.
//!
//! Invariant: a quantity is a sum of slots with small integer weights, in 64-bit fixed point: exact, so in any order the same.

use super::{Draft, Kernel, ONE, Phase};
use crate::md::{BAR_PER_KJ_MOL_NM3, GAS_CONSTANT};
use crate::package::manifest::{Column, Element, Number, Read};

/// What fault 3 means, which kernels of energies raise.
const ENERGY_FAULT: &str = "an atom's energy is beyond 524,288 kJ/mol or not a number: atoms overlap; use a smaller time step, or a starting state without overlaps";

/// A 64-bit sum over all workgroups of a kernel, in units of 2⁻³².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(usize);

/// What a term adds to the system's energy.
#[derive(Clone, Debug)]
pub struct Energy {
    class: &'static str,
    energy: Vec<Slot>,
    virial: Option<Slot>,
    at_cutoff: Option<Slot>,
}

impl Energy {
    /// Potential energy of a force class (OpenMM's name of it: `HarmonicBondForce`), kJ/mol. Several terms may add to one class.
    pub fn of(class: &'static str, energy: Slot) -> Self {
        Self {
            class,
            energy: vec![energy],
            virial: None,
            at_cutoff: None,
        }
    }

    /// Another slot of the same energy.
    #[must_use]
    pub fn and(mut self, energy: Slot) -> Self {
        self.energy.push(energy);
        self
    }

    fn slots(&self) -> impl Iterator<Item = (Slot, i32)> {
        self.energy.iter().map(|slot| (*slot, 1))
    }

    /// Its virial, Σ r · F, kJ/mol. Pressure is a column only if every term has one.
    #[must_use]
    pub fn with_virial(mut self, virial: Slot) -> Self {
        self.virial = Some(virial);
        self
    }

    /// The part of it that jumps at a cutoff without switch: the energy of each pair there, summed over the pairs within. What the equations of
    /// motion conserve is the energy without it.
    #[must_use]
    pub fn with_jump_at_cutoff(mut self, at_cutoff: Slot) -> Self {
        self.at_cutoff = Some(at_cutoff);
        self
    }
}

/// Slots, and what is made of them.
#[derive(Debug, Default)]
pub(super) struct Energies {
    slots: usize,
    terms: Vec<Energy>,
    kinetic: Option<(Slot, f64)>,
    without_pressure: bool,
    /// Energies that do not depend on positions: force class, kJ/mol.
    constants: Vec<(&'static str, f64)>,
    /// Further columns: name, unit, slot, value of its unit.
    more: Vec<(String, String, Slot, f64)>,
    /// Columns that hold one number: name, unit, number.
    fixed: Vec<(&'static str, &'static str, f64)>,
}

/// Quantities and their columns, ready for a manifest.
pub(super) struct Table {
    /// For each quantity, a weight for each slot.
    pub(super) weights: Vec<Vec<i32>>,
    pub(super) columns: Vec<Column>,
    /// Force class to the column of its energy.
    pub(super) classes: Vec<(String, String)>,
    pub(super) slots: usize,
}

impl Draft {
    /// A buffer for a kernel's partial sums, `N` for each of its workgroups, and the kernel that adds them up. Names of quantities are for people.
    pub fn sums<const N: usize>(&mut self, buffer: &str, groups: u64, quantities: [&str; N]) -> [Slot; N] {
        self.fault(3, ENERGY_FAULT);
        let first = self.energies.slots;
        self.energies.slots += N;
        self.scratch(buffer, Element::U32, &[&groups.to_string(), &(2 * N).to_string()]);
        let kernel = Kernel::new(&format!("sum_{buffer}"), &["md/observe/fixed64.wgsl", "md/observe/sum.wgsl"]);
        let integer = |value: u64| Number::Integer(value.cast_signed());
        let kernel = kernel
            .workgroups(&quantities.len().to_string())
            .bind("partial_sums", buffer)
            .set("partial_groups", integer(groups))
            .set("partial_quantities", integer(N as u64))
            .set("first_slot", integer(first as u64));
        self.kernel(Phase::Observe, kernel);
        std::array::from_fn(|index| Slot(first + index))
    }

    /// A term's energy.
    pub fn energy(&mut self, energy: Energy) {
        self.energies.terms.push(energy);
    }

    /// An energy of a force class that does not depend on positions, kJ/mol: it is added to the class's, the potential and what holds it.
    pub fn constant_energy(&mut self, class: &'static str, kj_mol: f64) {
        self.energies.constants.push((class, kj_mol));
    }

    /// The kinetic energy, and the degrees of freedom that the temperature divides it by.
    pub fn kinetic(&mut self, slot: Slot, degrees_of_freedom: f64) {
        self.energies.kinetic = Some((slot, degrees_of_freedom));
    }

    /// Something adds to the pressure and has no virial: constraints, say.
    pub fn without_pressure(&mut self) {
        self.energies.without_pressure = true;
    }

    /// A column that holds the same number in every row.
    pub fn fixed_column(&mut self, name: &'static str, unit: &'static str, value: f64) {
        self.energies.fixed.push((name, unit, value));
    }

    /// A further column: a slot times a number.
    pub fn column(&mut self, name: &str, unit: &str, slot: Slot, scale: f64) {
        self.energies.more.push((name.to_owned(), unit.to_owned(), slot, scale));
    }
}

impl Energies {
    /// Quantities in the order: potential, kinetic, virial, total, conserved, three volumes times the pressure, then one for each class where
    /// there are several, then further ones.
    pub(super) fn table(&self, volume_nm3: f64) -> Table {
        let mut table = Table {
            weights: Vec::new(),
            columns: Vec::new(),
            classes: Vec::new(),
            slots: self.slots,
        };
        let potential = self.weights(self.terms.iter().flat_map(Energy::slots));
        let virials: Option<Vec<Slot>> = self.terms.iter().map(|term| term.virial).collect();
        let virial = virials
            .filter(|_| !self.without_pressure)
            .map(|slots| self.weights(slots.into_iter().map(|slot| (slot, 1))));
        let kinetic = self.kinetic.map(|(slot, freedom)| (self.weights([(slot, 1)]), freedom));
        let jumps = self.weights(self.terms.iter().filter_map(|term| term.at_cutoff).map(|slot| (slot, -1)));
        let potential_at = table.quantity(potential.clone());
        let kinetic_at = kinetic.as_ref().map(|(kinetic, _)| table.quantity(kinetic.clone()));
        let virial_at = virial.as_ref().map(|virial| table.quantity(virial.clone()));
        table.column("potential", "kJ/mol", potential_at, 1.0);
        if let (Some((kinetic, freedom)), Some(at)) = (&kinetic, kinetic_at) {
            let total = table.quantity(plus(&potential, kinetic));
            let conserved = table.quantity(plus(&plus(&potential, kinetic), &jumps));
            table.column("kinetic", "kJ/mol", at, 1.0);
            table.column("total", "kJ/mol", total, 1.0);
            table.column("conserved", "kJ/mol", conserved, 1.0);
            table.column("temperature", "K", at, 2.0 / (freedom * GAS_CONSTANT));
        }
        if let (Some(virial), Some(at), Some((kinetic, _))) = (&virial, virial_at, &kinetic) {
            let pressure = table.quantity(plus(&plus(kinetic, kinetic), virial));
            table.column("virial", "kJ/mol", at, 1.0);
            table.column("pressure", "bar", pressure, BAR_PER_KJ_MOL_NM3 / (3.0 * volume_nm3));
        }
        let constant: f64 = self.constants.iter().map(|(_, energy)| energy).sum();
        let all = ["potential", "total", "conserved"];
        let held = table.columns.iter_mut().filter(|column| all.contains(&column.name.as_str()));
        held.for_each(|column| column.add = constant);
        self.classes(&mut table);
        for (name, unit, slot, scale) in &self.more {
            let at = table.quantity(self.weights([(*slot, 1)]));
            table.column(name, unit, at, *scale);
        }
        for (name, unit, value) in &self.fixed {
            table.column(name, unit, potential_at, 0.0);
            table.columns.last_mut().expect("just added").add = *value;
        }
        table
    }

    /// The energy of each force class; of a single one it is the potential.
    fn classes(&self, table: &mut Table) {
        let mut classes: Vec<&str> = self.terms.iter().map(|term| term.class).collect();
        classes.sort_unstable();
        classes.dedup();
        if let [class] = classes[..] {
            table.classes.push((class.to_owned(), "potential".to_owned()));
            return;
        }
        for class in classes {
            let terms = self.terms.iter().filter(|term| term.class == class);
            let at = table.quantity(self.weights(terms.flat_map(Energy::slots)));
            table.column(class, "kJ/mol", at, 1.0);
            let constants = self.constants.iter().filter(|(of, _)| *of == class);
            table.columns.last_mut().expect("just added").add = constants.map(|(_, energy)| energy).sum();
            table.classes.push((class.to_owned(), class.to_owned()));
        }
    }

    fn weights(&self, parts: impl IntoIterator<Item = (Slot, i32)>) -> Vec<i32> {
        let mut weights = vec![0; self.slots];
        parts.into_iter().for_each(|(slot, weight)| weights[slot.0] += weight);
        weights
    }
}

impl Table {
    fn quantity(&mut self, weights: Vec<i32>) -> u64 {
        self.weights.push(weights);
        self.weights.len() as u64 - 1
    }

    fn column(&mut self, name: &str, unit: &str, quantity: u64, scale: f64) {
        self.columns.push(Column {
            name: name.into(),
            unit: Some(unit.into()),
            element: 2 * quantity,
            read: Read::I64,
            scale: scale / ONE,
            add: 0.0,
        });
    }
}

fn plus(a: &[i32], b: &[i32]) -> Vec<i32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

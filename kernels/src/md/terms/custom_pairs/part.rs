//! A pair potential by tables of types as a part of a package. Needs a [`List`](crate::md::list::List) that reaches its cutoff and
//! has its exclusions.

use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::list::BoxFiles;
use crate::md::system::custom::ForceSwitch;
use crate::md::system::{CustomPairs, ForceClass};
use crate::package::manifest::Number;

/// Coefficients below these, kJ/mol times nm¹², nm⁶, nm⁴, are nothing at any distance that is not a fault, and would only underflow.
const LEAST: [f64; 3] = [1e-25, 1e-18, 1e-15];

/// The term.
#[derive(Clone, Copy, Debug)]
pub struct PairTable<'a> {
    /// Which of a system's tables it is: part of the names of its kernels and buffers.
    pub number: usize,
    /// The potential.
    pub pairs: &'a CustomPairs,
    /// The type of each of the draft's kinds, an index into the tables.
    pub type_of_kind: &'a [u32],
    /// Cutoff radius, nm; without one, the list's.
    pub cutoff_nm: f64,
    /// Energy beyond the cutoff, kJ/mol.
    pub correction_kj_mol: f64,
}

impl Part for PairTable<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let [kinds, table, rows, sums] =
            ["custom_kinds", "custom_table", "custom_rows", "custom_sums"].map(|name| format!("{name}_{}", self.number));
        let types = self.pairs.types;
        draft.integer(&rows, (types * types) as u64);
        draft.constant_u32(&kinds, &["kinds_count"], self.type_of_kind.iter().copied());
        draft.constant_f32(&table, &[&rows, "4"], self.table());
        draft.slot_forces();
        let cell = BoxFiles::of(draft).pairs;
        let files = [
            "md/list/list_rows.wgsl",
            "md/terms/cluster_pairs.wgsl",
            cell,
            self.powers(),
            self.switch(),
            "md/terms/custom_pairs/custom_pair.wgsl",
        ];
        let bound = |kernel: Kernel| self.constants(kernel.bind("custom_kinds", &kinds).bind("custom_table", &table));
        let name = format!("custom_pair_forces_{}", self.number);
        let last = [
            "md/terms/force_round.wgsl",
            "md/terms/slot_force_sums.wgsl",
            "md/terms/custom_pairs/custom_pair_forces.wgsl",
        ];
        let kernel = Kernel::new(&name, &[&files[..], &last].concat()).over("clusters");
        draft.kernel(Phase::Forces, bound(kernel));
        let name = format!("custom_pair_energies_{}", self.number);
        let last = [
            "md/observe/fixed64.wgsl",
            "md/terms/cluster_sum.wgsl",
            "md/terms/custom_pairs/custom_pair_energies.wgsl",
        ];
        let kernel = Kernel::new(&name, &[&files[..], &last].concat()).over("clusters");
        let groups = draft.kernel(Phase::Observe, bound(kernel).bind("custom_sums", &sums));
        let [energy] = draft.sums(&sums, groups, ["pair table"]);
        let class = ForceClass::CustomNonbonded.name();
        draft.energy(Energy::of(class, energy));
        if self.correction_kj_mol != 0.0 {
            draft.volume_energy(class, self.correction_kj_mol);
        }
    }
}

impl PairTable<'_> {
    /// a, b, c and nothing of each pair of types.
    fn table(&self) -> Vec<f64> {
        let tables = [&self.pairs.a_kj_mol_nm12, &self.pairs.b_kj_mol_nm6, &self.pairs.c_kj_mol_nm4];
        let rows = (0..self.pairs.types * self.pairs.types).map(|place| {
            let [a, b, c] = [0, 1, 2].map(|which| {
                let value = tables[which][place];
                if value.abs() < LEAST[which] { 0.0 } else { value }
            });
            [a, b, c, 0.0]
        });
        rows.flatten().collect()
    }

    fn powers(&self) -> &'static str {
        match self.pairs.force_switch {
            None => "md/terms/custom_pairs/powers_plain.wgsl",
            Some(_) => "md/terms/custom_pairs/powers_force_switch.wgsl",
        }
    }

    /// Where the whole potential begins to be switched off, nm.
    fn switch_nm(&self) -> Option<f64> {
        self.pairs.cutoff?.switch_nm.filter(|start| *start < self.cutoff_nm)
    }

    fn switch(&self) -> &'static str {
        match self.switch_nm() {
            None => "md/terms/nonbonded/switch_none.wgsl",
            Some(_) => "md/terms/nonbonded/switch_quintic.wgsl",
        }
    }

    /// Constants are a kernel's own: a system may have several tables.
    fn constants(&self, kernel: Kernel) -> Kernel {
        let mut all = vec![("custom_cutoff2", self.cutoff_nm.powi(2))];
        if let Some(start) = self.switch_nm() {
            all.extend([("switch_start", start), ("switch_inverse", (self.cutoff_nm - start).recip())]);
        }
        if let Some(ForceSwitch { on_nm, off_nm }) = self.pairs.force_switch {
            let (on3, off3) = (on_nm.powi(3), off_nm.powi(3));
            let (on6, off6) = (on3 * on3, off3 * off3);
            all.extend([
                ("force_switch_on", on_nm),
                ("force_switch_off", off_nm),
                ("force_switch_12", off6 / (off6 - on6)),
                ("force_switch_6", off3 / (off3 - on3)),
                ("force_switch_inner_12", (on6 * off6).recip()),
                ("force_switch_inner_6", (on3 * off3).recip()),
                ("force_switch_outer_6", off6.recip()),
                ("force_switch_outer_3", off3.recip()),
            ]);
        }
        let rows = Number::Integer(self.pairs.types as i64);
        let kernel = all
            .into_iter()
            .fold(kernel, |kernel, (name, value)| kernel.set(name, Number::Float(value)));
        kernel.set("custom_rows", rows)
    }
}

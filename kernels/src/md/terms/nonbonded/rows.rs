//! Lennard-Jones coefficients by pairs of kinds.

use super::super::lennard_jones::pairs::Pair;
use crate::md::AtomType;
use crate::md::draft::Draft;

/// Rows of the table of coefficients: one for each (σ, ε) that occurs, nm and kJ/mol.
pub(super) struct Rows {
    rows: Vec<[f64; 2]>,
    /// Each kind's row.
    of_kind: Vec<usize>,
}

impl Rows {
    pub(super) fn of(kinds: &[[f64; 2]]) -> Self {
        let mut rows: Vec<[f64; 2]> = Vec::new();
        let row_of = kinds.iter().map(|pair| {
            // Without ε, σ means nothing.
            let pair = if pair[1] == 0.0 { [0.0; 2] } else { *pair };
            rows.iter().position(|row| *row == pair).unwrap_or_else(|| {
                rows.push(pair);
                rows.len() - 1
            })
        });
        let of_kind = row_of.collect();
        Self { rows, of_kind }
    }

    /// 12 c₁₂ and 6 c₆ of all pairs of rows, kJ/mol nm¹² and nm⁶.
    pub(super) fn coefficients(&self) -> Vec<[f64; 2]> {
        let types = self.rows.iter().map(|[sigma_nm, epsilon_kj_mol]| AtomType {
            mass_u: 1.0,
            sigma_nm: *sigma_nm,
            epsilon_kj_mol: *epsilon_kj_mol,
        });
        let types: Vec<AtomType> = types.collect();
        let pairs = types.iter().flat_map(|a| types.iter().map(|b| Pair::mix(a, b)));
        pairs.map(|pair| [12.0 * pair.c12, 6.0 * pair.c6]).collect()
    }

    /// Buffers: each kind's row; coefficients of two rows.
    pub(super) fn tables(&self, coefficients: &[[f64; 2]], draft: &mut Draft) {
        let kinds: Vec<u32> = self.of_kind.iter().map(|row| *row as u32).collect();
        draft.integer("pair_rows", self.rows.len() as u64);
        draft.integer("pair_table_rows", coefficients.len() as u64);
        draft.constant_u32("pair_kinds", &["kinds_count"], kinds);
        draft.constant_f32(
            "pair_table",
            &["pair_table_rows", "2"],
            coefficients.iter().flatten().copied(),
        );
    }
}

//! Masses by tag, which several parts read.

use crate::md::draft::Draft;

/// Masses of all particles.
#[derive(Clone, Debug, PartialEq)]
pub struct Masses(pub Vec<f64>);

impl Masses {
    /// Their sum, u.
    pub fn total_u(&self) -> f64 {
        self.0.iter().sum()
    }

    /// 1/m, 1/u: 0 for what does not move by itself.
    pub fn inverse(&self) -> impl Iterator<Item = f64> {
        self.0.iter().map(|mass_u| if *mass_u > 0.0 { mass_u.recip() } else { 0.0 })
    }

    /// The buffers `masses`, u, and `inverse_masses`, 1/u, once, whichever part asks first.
    pub fn declare(&self, draft: &mut Draft) {
        if !draft.has("masses") {
            draft.constant_f32("masses", &["atoms"], self.0.iter().copied());
            draft.constant_f32("inverse_masses", &["atoms"], self.inverse());
        }
    }
}

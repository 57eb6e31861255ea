//! Leapfrog that can be taken back bit for bit, and the state from which it goes back.
//!
//! Invariant: `ticks` and positions are functions of each other's past by additions and odd roundings alone; `velocities` are ticks in nm/ps, for what is observed
//! and for the list's guess, neither of which a force depends on.

use protocol::StateBuffer;

use super::integration::Integration;
use crate::md::draft::{Draft, Kernel, Phase};
use crate::package::manifest::{Element, Number};

/// Ticks of a velocity in one unit of a position a step.
const TICKS: f64 = 16.0;
/// 2³².
const ONE: f64 = 4_294_967_296.0;

impl Integration<'_> {
    pub(super) fn reversible_verlet(&self, draft: &mut Draft) {
        for (there, what) in [
            (self.constrained(), "constraints"),
            (draft.has("site_atoms"), "virtual sites"),
            (self.remove_motion.is_some(), "removal of the centre's motion"),
        ] {
            if there {
                draft.refuse(format!(
                    "reversible Verlet with {what}, expected none: their steps cannot be taken back"
                ));
            }
        }
        let dt_ps = self.dynamics.step_ps;
        let gradients = draft.cell().cell().gradients();
        let velocities = draft.initial_floats("velocities");
        let ticks = velocities.as_chunks::<3>().0.iter().flat_map(|v| {
            let along = |axis: usize| (0..3).map(|k| gradients[axis][k] * v[k]).sum::<f64>();
            [0, 1, 2].map(|axis| along(axis) * dt_ps * ONE * TICKS)
        });
        let ticks: Vec<f64> = ticks.collect();
        if ticks.iter().any(|tick| tick.abs() >= 1_073_741_824.0) {
            draft.refuse("reversible Verlet: an atom would move 1/64 of the box or more in one step".into());
        }
        let bytes = ticks.iter().flat_map(|tick| (tick.round() as i32).to_le_bytes());
        draft.state("ticks", Element::I32, &["atoms", "3"], bytes.collect());
        let files = [
            draft.cell_file(),
            "md/motion/canonical.wgsl",
            "md/motion/reversible_verlet.wgsl",
        ];
        let kernel = Kernel::new("reversible_verlet", &files).over("atoms");
        let kick = TICKS * dt_ps * dt_ps;
        let kernel = kernel.set("reversible_kick", Number::Float(kick));
        let kernel = kernel.set("reversible_speed", Number::Float((TICKS * dt_ps).recip()));
        draft.kernel(Phase::Drift, kernel);
    }
}

/// The state from which steps lead back: x − round(v/16), −v. Turned twice, it is what it was. None: it is not of a reversible package.
pub fn turned(state: &[StateBuffer]) -> Option<Vec<StateBuffer>> {
    let ticks: Vec<i32> = {
        let bytes = &state.iter().find(|buffer| buffer.name == "ticks")?.bytes;
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| i32::from_le_bytes(*word))
            .collect()
    };
    let whole = |tick: i32| (tick + if tick >= 0 { 8 } else { -8 }) / 16;
    let turn = |buffer: &StateBuffer| {
        let words = buffer.bytes.as_chunks::<4>().0.iter().zip(&ticks);
        let bytes = match buffer.name.as_str() {
            "ticks" => ticks.iter().flat_map(|tick| (-tick).to_le_bytes()).collect(),
            "positions" => words
                .flat_map(|(word, tick)| {
                    u32::from_le_bytes(*word)
                        .wrapping_sub(whole(*tick).cast_unsigned())
                        .to_le_bytes()
                })
                .collect(),
            "velocities" => words
                .flat_map(|(word, _)| {
                    let v = f32::from_le_bytes(*word);
                    // Zero has one sign.
                    (if v == 0.0 { 0.0 } else { -v }).to_le_bytes()
                })
                .collect(),
            _ => buffer.bytes.clone(),
        };
        StateBuffer { bytes, ..buffer.clone() }
    };
    Some(state.iter().map(turn).collect())
}

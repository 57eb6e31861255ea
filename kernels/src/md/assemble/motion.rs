//! What moves the particles of a system, and what acts on them between steps.

use super::super::draft::Draft;
use super::super::motion::{Integration, Masses, RemoveMotion, VirtualSites, VolumeMoves};
use super::super::system::{Action, Barostat, System};

impl System {
    /// The barostat, where there is one and something moves.
    pub(super) fn barostat(&self) -> Option<Barostat> {
        self.dynamics?;
        self.actions.iter().find_map(|action| match action {
            Action::Barostat(barostat) => Some(*barostat),
            Action::RemoveMotion { .. } => None,
        })
    }

    /// Moves of the volume, with what the list reaches and the cutoff, nm.
    pub(super) fn volume_moves(&self, list_nm: Option<[f64; 2]>, draft: &mut Draft) {
        let (Some(barostat), Some(dynamics)) = (self.barostat(), self.dynamics) else {
            return;
        };
        draft.add(&VolumeMoves {
            barostat,
            system: self,
            list_nm,
            seed: dynamics.from_step(self.step).seed,
        });
    }

    /// Virtual sites, the integrator, constraints, removal of centre-of-mass motion.
    pub(super) fn motion(&self, draft: &mut Draft) {
        if !self.sites.is_empty() {
            draft.add(&VirtualSites(&self.sites));
        }
        let Some(dynamics) = self.dynamics else { return };
        let masses = Masses(self.particles.iter().map(|particle| particle.mass_u).collect());
        let mut remove_motion = None;
        for action in &self.actions {
            match action {
                Action::RemoveMotion { every } => {
                    let removal = RemoveMotion {
                        masses: &masses,
                        every: *every,
                        steps_before: self.step,
                    };
                    if remove_motion.replace(removal).is_some() {
                        draft.refuse("two CMMotionRemovers, expected one at most".into());
                    }
                }
                Action::Barostat(_) => {}
            }
        }
        draft.add(&Integration {
            dynamics: dynamics.from_step(self.step),
            masses: &masses,
            constraints: &self.constraints,
            remove_motion,
            degrees_of_freedom: self.degrees_of_freedom() as f64,
        });
    }
}

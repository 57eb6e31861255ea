//! What an integrator, its heat bath and a barostat must fulfil.

use super::{Problems, unless};
use crate::md::system::{Action, Barostat, System};

/// Problems of what drives the particles and of what acts between steps.
pub(super) fn motion(system: &System, problems: &mut Problems) {
    let mut random = false;
    for action in &system.actions {
        match action {
            Action::RemoveMotion { every } => problems.add(unless(*every > 0, || {
                "centre-of-mass motion is removed every 0 steps, expected at least 1".into()
            })),
            Action::Barostat(barostat) => {
                random = true;
                volume_moves(barostat, problems);
                problems.add(unless(system.cell.is_some(), || "there is a barostat but no box".into()));
            }
        }
    }
    let Some(dynamics) = &system.dynamics else {
        return;
    };
    problems.add(unless((1e-9..1.0).contains(&dynamics.step_ps), || {
        format!("the time step is {} ps, expected above 1e-9 and below 1", dynamics.step_ps)
    }));
    if let Some(bath) = dynamics.integrator.bath() {
        random = true;
        let good = (0.0..1e5).contains(&bath.temperature_k) && (0.0..1e6).contains(&bath.friction_per_ps);
        problems.add(unless(good, || {
            format!(
                "the heat bath has {} K and friction {} per ps, expected 0 to below 1e5 and 0 to below 1e6",
                bath.temperature_k, bath.friction_per_ps
            )
        }));
    }
    problems.add(unless(!random || dynamics.seed.is_some(), || {
        "random numbers are needed but there is no seed".into()
    }));
}

fn volume_moves(barostat: &Barostat, problems: &mut Problems) {
    problems.add(unless(barostat.every > 0, || {
        "the barostat tries every 0 steps, expected at least 1".into()
    }));
    problems.add(unless(barostat.pressure_bar.abs() < 1e6, || {
        format!("the barostat has {} bar, expected within 1e6 of 0", barostat.pressure_bar)
    }));
    problems.add(unless((1e-3..1e5).contains(&barostat.temperature_k), || {
        format!(
            "the barostat has {} K, expected 1e-3 to below 1e5: its moves are weighed by kT; give it the temperature of the heat bath, or leave it out for dynamics at 0 K",
            barostat.temperature_k
        )
    }));
}

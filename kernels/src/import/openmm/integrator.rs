//! The Integrator: `VerletIntegrator`, OpenMM's leapfrog, which is ours.

use super::super::ImportError;
use super::super::xml::{Element, shown};

/// Time step, ps, of a Verlet integrator.
///
/// # Errors
/// It is another integrator.
pub(super) fn verlet(integrator: Element<'_>) -> Result<f64, ImportError> {
    let class = integrator.text("type")?;
    if class != "VerletIntegrator" {
        return Err(integrator.refuse(format!(
            "found the integrator {}, expected VerletIntegrator: runs are at constant energy; serialise VerletIntegrator(dt)",
            shown(class)
        )));
    }
    integrator.only(
        "integrationForceGroups",
        "-1",
        "all force groups are integrated; setIntegrationForceGroups(0xFFFFFFFF)",
    )?;
    integrator.number("stepSize")
}

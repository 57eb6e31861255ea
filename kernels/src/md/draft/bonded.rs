//! Forces of terms of given particles: as few passes as their bindings allow.
//!
//! Invariant: which terms share a pass shows in no bit, as all of them add integers.

use super::{Draft, Kernel, Phase};

/// The forces of a term on particles that it names.
#[derive(Clone, Debug)]
pub(super) struct BondedForces {
    /// The pass, were it alone.
    kernel: Kernel,
    /// The function of the kernel's last file that adds the forces of one, which takes an invocation's id.
    function: &'static str,
}

impl Draft {
    /// Forces of a term: in a pass with those of others, where there is room. `function`: what the kernel's last file has its entry point call with an invocation's
    /// id. No two kinds with one such function share a pass.
    pub fn bonded(&mut self, kernel: Kernel, function: &'static str) {
        self.bonded.push(BondedForces { kernel, function });
    }

    /// The passes.
    pub(super) fn bonded_forces(&mut self) {
        let mut passes: Vec<Vec<BondedForces>> = Vec::new();
        for term in std::mem::take(&mut self.bonded) {
            let fits = |pass: &&mut Vec<BondedForces>| {
                let kernels = pass.iter().map(|other| &other.kernel).chain([&term.kernel]);
                Kernel::fit_together(kernels) && pass.iter().all(|other| other.function != term.function)
            };
            match passes.iter_mut().find(fits) {
                Some(pass) => pass.push(term),
                None => passes.push(vec![term]),
            }
        }
        for (number, pass) in passes.into_iter().enumerate() {
            let kernel = match <[BondedForces; 1]>::try_from(pass) {
                Ok([alone]) => alone.kernel,
                Err(pass) => {
                    let kernels: Vec<_> = pass.into_iter().map(|term| (term.kernel, term.function)).collect();
                    Kernel::joined(self, &format!("bonded_forces_{number}"), &kernels)
                }
            };
            self.kernel(Phase::Forces, kernel);
        }
    }
}

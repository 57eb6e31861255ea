//! Forces of terms of given particles: as few passes as their bindings allow.
//!
//! Invariant: which terms share a pass shows in no bit, as all of them add integers.

use super::{Draft, Kernel, Phase};

/// Storage buffers that a kernel may bind on every device.
const BUFFERS_MAX: usize = 8;
/// Those that all terms share: positions, sums, fault.
const SHARED: usize = 3;

/// The forces of a term on particles that it names.
#[derive(Clone, Debug)]
pub struct BondedForces {
    /// The pass, were it alone.
    pub kernel: Kernel,
    /// Number of terms.
    pub count: u64,
    /// The function of the kernel's last file that adds the forces of one.
    pub function: &'static str,
    /// Buffers that it binds beside positions, sums, fault and the box's size.
    pub buffers: usize,
}

impl Draft {
    /// Forces of a term: in a pass with those of others, where there is room. No two kinds with one last file share a pass.
    pub fn bonded(&mut self, forces: BondedForces) {
        self.bonded.push(forces);
    }

    /// The passes.
    pub(super) fn bonded_forces(&mut self) {
        let room = BUFFERS_MAX - SHARED - usize::from(self.moving_box);
        let mut passes: Vec<Vec<BondedForces>> = Vec::new();
        for term in std::mem::take(&mut self.bonded) {
            let fits = |pass: &&mut Vec<BondedForces>| {
                let buffers: usize = pass.iter().map(|other| other.buffers).sum();
                buffers + term.buffers <= room && pass.iter().all(|other| other.function != term.function)
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
                    let kernels: Vec<_> = pass
                        .into_iter()
                        .map(|term| (term.kernel, term.count, term.function))
                        .collect();
                    Kernel::joined(&format!("bonded_forces_{number}"), &kernels)
                }
            };
            self.kernel(Phase::Forces, kernel);
        }
    }
}

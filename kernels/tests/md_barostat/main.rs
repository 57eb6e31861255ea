//! The Monte Carlo barostat: energies and forces in a box of another size, decisions beside double precision, the ideal gas's exact distribution, one chain on
//! every device, and a mutant that forgets its counters.

mod decisions;
mod energies;
mod hops;
mod ideal_gas;
#[path = "../md_support/mod.rs"]
mod md_support;
#[path = "../openmm_support/mod.rs"]
mod openmm_support;
mod support;

//! Particle mesh Ewald: the reciprocal sum on a grid (Essmann et al., J. Chem. Phys. 103, 8577, 1995, doi:10.1063/1.470117).
//!
//! | module | owns |
//! |---|---|
//! | [`driver`] | constants and tables of the shaders |
//! | [`part`] | the term as a part of a package |
//! | [`fft`] | plans of the shaders' transforms |
//! | [`twin`] | the reciprocal sum in double precision |
//! | [`transform`] | the twin's transform |
//!
//! The passes, in order: `clear_pme_grid` and `pme_spread` (charges in integers), `pme_forward_z`, `pme_transform_y` forwards, `pme_convolve` (along x, there
//! and back), `pme_transform_y` backwards, `pme_inverse_z` (the potential), `pme_forces`; `pme_energies` where energies are asked for.

pub mod driver;
pub mod fft;
pub mod part;
pub mod transform;
pub mod twin;
